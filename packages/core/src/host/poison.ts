import type { Gpu } from '../text/gpu.ts';
import { stateOf } from './gpu-state.ts';
import { BIND_ALIGNMENT } from '../text/buffer-range.ts';

/** NaN in f32, f16 and bf16; and a number far from every result in any type. As integers, both are larger than any index. */
const words = [0x7fc07fc0, 0x64d364d3];

const pieceBytes = 2 ** 20;

let pieces: Uint32Array<ArrayBuffer>[] | undefined;

/** Larger buffers are filled at both ends only: rows that a kernel forgets to write are near an end. */
const wholeBytes = 64 * pieceBytes;

/**
 * For tests: fills all memory that heed hands out from now on, new or reused, with NaN or a secret number, and the bytes behind each
 * upload too. So an element that a kernel does not write, or that it reads beyond its data, shows in the result.
 * @param on false turns it off
 * @returns a function that restores the former setting
 *
 * @example
 * const heal = poisonMemory(gpu);
 * await gpu.empty([2]).read(); // [NaN, NaN]
 * heal();
 */
export function poisonMemory(gpu: Gpu, on = true): () => void {
  const { device, pool, staging, ring, placeholders } = stateOf(gpu);
  const before = { fill: pool.poison, tail: ring.tail };
  pieces ??= words.map((word) => new Uint32Array(pieceBytes / 4).fill(word));
  const [notANumber, secret] = pieces as [Uint32Array<ArrayBuffer>, Uint32Array<ArrayBuffer>];
  let turn = 0;
  const fill = (buffer: GPUBuffer): void => {
    // The order has no period, so two runs of the same work find different contents.
    const piece = Math.imul(++turn, 0x9e3779b1) < 0 ? notANumber : secret;
    // If there is no memory for the buffer, its allocation reports the error.
    device.pushErrorScope('validation');
    for (let at = 0; at < buffer.size; at += pieceBytes) {
      if (buffer.size > wholeBytes && at > 0 && at + 2 * pieceBytes < buffer.size) continue;
      const size = Math.min(pieceBytes, buffer.size - at);
      device.queue.writeBuffer(buffer, at, piece, 0, size / 4);
    }
    device.popErrorScope().catch(() => {});
  };
  const set = (poison: typeof before.fill, tail: typeof before.tail): void => {
    pool.poison = poison;
    staging.poison = poison;
    ring.tail = tail;
  };
  if (on) {
    set(fill, new Uint8Array(secret.buffer, 0, BIND_ALIGNMENT));
    for (const buffer of placeholders.values()) fill(buffer);
  } else {
    set(undefined, undefined);
  }
  return () => set(before.fill, before.tail);
}
