import type { Gpu } from '../text/gpu.ts';
import { stateOf } from './gpu-state.ts';
import { BIND_ALIGNMENT } from '../text/buffer-range.ts';

/** NaN in f32, f16 and bf16; and a number that no result comes near in any type. Either, as an integer, is beyond every list. */
const words = [0x7fc07fc0, 0x64d364d3];

const pieceBytes = 2 ** 20;

let pieces: Uint32Array<ArrayBuffer>[] | undefined;

/** Of a buffer larger than this, both ends are filled: nothing that is forgotten in it is far from them. */
const wholeBytes = 64 * pieceBytes;

/**
 * For tests. From now on all memory that heed hands out, fresh or used before, holds NaN or a secret number, and so does
 * what follows an upload: what a kernel does not write, or reads beyond what it was given, shows in the result.
 * @param on false: no longer
 * @returns a function that puts it back as it was
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
    // In an order without a period, so that two runs of the same work do not find the same.
    const piece = Math.imul(++turn, 0x9e3779b1) < 0 ? notANumber : secret;
    // Where there was no memory for the buffer, whoever made it reports that.
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
