import type { Tensor } from '@heed/core';
import { type MaskMod, type ScoreMod, topKeys } from '@heed/flex';
import { attention, attentionVjp } from '@heed/kernels-wgsl';
import { gpu, inputs, numbers } from './setup.ts';

type Attended = ReturnType<typeof attentionVjp> & { selectedKeys: Tensor };

const begun: MaskMod<{ size: number }> = (b, h, q, kv, c) => kv * c.size <= q;
/** A row's own block is always chosen. */
const gate: ScoreMod<{ size: number }> = (score, b, h, q, kv, c) =>
  kv === Math.floor(q / c.size) ? 1e9 : score;

/** Mixture of block attention: each head attends to the `topK` blocks whose mean key is nearest. q and k have as many heads. */
export function moba(q: Tensor, k: Tensor, v: Tensor, size: number, topK: number): Attended {
  const [B = 0, H = 0, L = 0, D = 0] = q.shape;
  const [count, each] = [Math.ceil(L / size), B * H];
  const blocks = gpu.tensor(
    Int32Array.from({ length: count }, (_, n) => n),
    { shape: [1, 1, count, 1] },
  );
  const zeros = gpu.tensor(new Float32Array(each * count * D), { shape: [B, H, count, D] });
  const ofBlocks = { selectedKeys: blocks, selectedBlockSize: size };
  const means = attention(zeros, k, k, ofBlocks).out.reshape([each, 1, count, D]);

  const lists = topKeys(q.reshape([each, 1, L, D]), means, {
    topK,
    scoreMod: gate,
    maskMod: begun,
    captures: { size },
    align: 'start',
  });
  const selectedKeys = lists.reshape([B, H, L, topK]);
  const selected = { selectedKeys, selectedBlockSize: size, causal: true };
  return { selectedKeys, ...attentionVjp(q, k, v, selected) };
}

const { selectedKeys, out } = moba(...inputs(8), 2, 2);
console.log(await numbers(selectedKeys.slice(2, 4, 8))); // [ 0, 2, 0, 2, 0, 3, 0, 3 ]
console.log(await numbers(out)); // [ 0, 0.5, 1, 1.5, 1.667, 2.5, 2.333, 3.5 ]
