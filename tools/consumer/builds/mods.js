// A user's mods, in the styles that people write. The program prints their results for some pairs as one line of JSON.
import { andMasks, bind, compileMod, notMask, orMasks } from '@heed/flex';
import { causal, slidingWindow } from '@heed/flex/masks';
import { alibi, relativeBias } from '@heed/flex/mods';

const captures = {
  bias: [
    [0.5, -1, 2, 0.25, 3, -0.5, 1, 4],
    [1, 2, -3, 4, 0.125, 6, -7, 8],
  ],
  ids: { dtype: 'i32', shape: [8] },
  slopes: [0.5, 0.25],
  n: 3,
  window: 4,
  strength: 0.75,
  on: true,
  twice: (x) => 2 * x,
};

const scores = {
  relative: (score, b, h, q, kv) => score + (q - kv),
  hidden: (score, b, h, q, kv) => (q >= kv ? score : -Infinity),
  counted: (score, b, h, q, kv) => score + (q > kv ? 1 : 0) - (kv > 2 ? 0 : 1),
  destructured: (score, b, h, q, kv, { bias, strength: scale, missing = 2 }) =>
    score + scale * bias[h][q] * missing,
  early(score, b, h, q, kv, c) {
    for (let i = 0; i < 8; i++) {
      if (i >= c.n) break;
      score += c.bias[h][i];
    }
    return score;
  },
  clipped: (score, b, h, q, kv, c) => {
    const distance = Math.abs(q - kv);
    if (distance > c.window) return -Infinity;
    const near = distance * c.strength;
    return score - near;
  },
  buckets: (score, b, h, q, kv, c) => {
    const bucket = (d) => {
      const n = Math.abs(d);
      if (n < 4) return n;
      return Math.min(4 + Math.floor(Math.log2(n / 4)), 7);
    };
    return score + c.bias[h][bucket(q - kv)];
  },
  steps: (score, b, h, q, kv) => {
    let n = 0;
    if (q > kv) n++;
    if (q > 3) n += 2;
    else if (kv === 2) n -= 1;
    return score + n;
  },
  best: (score, b, h, q, kv, c) => {
    let most = -Infinity;
    let at = 0;
    for (let i = 0; i < 6; i++) {
      const one = c.bias[h][i] - (i === kv ? 1 : 0);
      if (one > most) {
        most = one;
        at = i;
      }
    }
    return q > at ? most : score;
  },
  folded: (score, b, h, q, kv, c) => {
    const SCALE = 1 / 8;
    const HALF = 2 ** -1;
    return Math.tanh(score * SCALE) / SCALE + HALF * c.twice(q % 4) + (c['n'] ?? 1);
  },
  sequence: (score, b, h, q, kv, c, info) => {
    const late = q > info.kvLen / 2 && !(kv === 0);
    const first = q % 4;
    const second = kv % 4;
    let s = late ? score * 2 : score;
    if (first === second) {
      s += 1;
      s *= 2;
    } else if (first > second) s -= 1;
    return s;
  },
  alibi,
  relativeBias: bind(relativeBias, { maxDistance: 3 }),
};

const masks = {
  window: (b, h, q, kv, c) => q >= kv && q - kv < (c.window ?? 128),
  documents: (b, h, q, kv, c) => {
    const same = c.ids[q] === c.ids[kv];
    const near = q - kv < 4;
    if (!same) return false;
    if (near) return true;
    return kv < 2;
  },
  flagged: (b, h, q, kv, c) => {
    let visible = true;
    if (c.on && q < kv) visible = false;
    return visible;
  },
  parity: (b, h, q, kv) => q >= kv !== (kv % 2 === 0),
  bits: (b, h, q, kv, c) => ((c.ids[q] >> (kv & 3)) & 1) !== 0,
  composed: andMasks(
    causal,
    orMasks(
      bind(slidingWindow, { window: 1 }),
      notMask((b, h) => h > 0),
    ),
  ),
};

const onCpu = { ...captures, ids: [0, 0, 1, 1, 5, 5, 6, 7] };

/** Returns the results of a mod for some pairs, or the message of its CompileError. */
function valuesOf(mod, kind) {
  try {
    const { js } = compileMod(mod, captures, { kind });
    return [0, 2, 3, 7].flatMap((q) =>
      [0, 2, 5].map((kv) => {
        const pair = [kv % 2, (q + kv) % 2, q, kv];
        const args = kind === 'score' ? [q / 2 - kv, ...pair] : pair;
        return String(js(...args, onCpu, { qLen: 8, kvLen: 8, qRow: q, kvRow: kv }));
      }),
    );
  } catch (error) {
    return error.message;
  }
}

const all = (mods, kind) => Object.entries(mods).map(([name, mod]) => [name, valuesOf(mod, kind)]);

console.log(`heed ${JSON.stringify([...all(scores, 'score'), ...all(masks, 'mask')])}`);
