/** The first 64 primes. */
const primes = Array.from({ length: 312 }, (_, n) => n).filter((n) => n > 1 && isPrime(n));

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

/** Returns the first 32 bits of the fraction. Doubles suffice: no root is within 1000 rounding errors of a change of these bits. */
const fraction = (x: number): number => ((x % 1) * 2 ** 32) | 0;

// As FIPS 180-4 defines them (4.2.2, 5.3.3).
const initial = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const roundConstants = primes.map((p) => fraction(Math.cbrt(p)));

/** Computes SHA-256 synchronously; the platform's function is asynchronous. Source: FIPS 180-4, section 6.2. */
export function sha256(message: Uint8Array): Uint8Array {
  const state = Uint32Array.from(initial);
  const input = padded(message);
  for (let block = 0; block < input.byteLength; block += 64) addBlock(state, input, block);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/** Pads to whole blocks of 64 bytes: the message, a set bit, zeros, and the length in bits. */
function padded(message: Uint8Array): DataView {
  const { length } = message;
  const bytes = new Uint8Array(64 * Math.ceil((length + 9) / 64));
  bytes.set(message);
  bytes[length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(bytes.length - 4, length << 3);
  return view;
}

const rotated = (x: number, bits: number): number => (x >>> bits) | (x << (32 - bits));

const schedule = new Int32Array(64);

function addBlock(state: Uint32Array, input: DataView, block: number): void {
  const w = schedule;
  for (let t = 0; t < 16; t++) w[t] = input.getInt32(block + 4 * t);
  for (let t = 16; t < 64; t++) {
    const [early, late] = [w[t - 15]!, w[t - 2]!];
    const s0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
    const s1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
    w[t] = w[t - 16]! + s0 + w[t - 7]! + s1;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as Words;
  for (let t = 0; t < 64; t++) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const chosen = (e & f) ^ (~e & g);
    const t1 = h + s1 + chosen + roundConstants[t]! + w[t]!;
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + s0 + majority) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = state[i]! + word));
}

type Words = [number, number, number, number, number, number, number, number];
