import { expect } from 'vitest';
import { attend, range } from '../gpu/attend.ts';

const [HEADS, KV_HEADS, L, D] = [4, 2, 40, 8];

/** [1, H, L, D], as the example has it, by rows [L, H, D]. */
function byRow(heads: number, turn: number): Float32Array {
  return Float32Array.from({ length: heads * L * D }, (_, i) => {
    const [row, head, d] = [Math.floor(i / (heads * D)), Math.floor(i / D) % heads, i % D];
    return Math.sin(((head * L + row) * D + d) * turn);
  });
}

/** Holds the result of the seed example against the definition. */
export function expectSeed(got: ArrayLike<number>): void {
  const rows = { q: range(0, L), k: range(0, L) };
  const { out } = attend({
    q: byRow(HEADS, 0.7),
    k: byRow(KV_HEADS, 1.3),
    v: byRow(KV_HEADS, 2.9),
    heads: HEADS,
    kvHeads: KV_HEADS,
    headDim: D,
    sequences: [rows],
    score: (s, _b, _h, q, kv) => s + (q - kv),
  });
  const want = Array.from({ length: got.length }, (_, i) => {
    const [head, row, d] = [Math.floor(i / (L * D)), Math.floor(i / D) % L, i % D];
    return out[(row * HEADS + head) * D + d]!;
  });
  expect(got.length).toBe(HEADS * L * D);
  expect(got).toMatchTensor(want, { tolerance: 1e-5, shape: [HEADS, L, D] });
}
