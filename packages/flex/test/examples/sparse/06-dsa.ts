import type { Tensor } from '@heed/core';
import { attentionVjp, topKeys } from '@heed/kernels-wgsl';
import { gpu, inputs, numbers } from './setup.ts';

/** What the indexer makes of the same tokens: q [B, Hi, L, Di], k [B, 1, L, Di], weights [B, Hi, L]. */
type Index = { q: Tensor; k: Tensor; weights: Tensor };
type Attended = ReturnType<typeof attentionVjp> & { selectedKeys: Tensor };

/** All heads attend to the `topK` keys that the indexer lists for a row. */
export function dsa(q: Tensor, k: Tensor, v: Tensor, index: Index, topK: number): Attended {
  const selectedKeys = topKeys(index.q, index.k, { topK, weights: index.weights, causal: true });
  return { selectedKeys, ...attentionVjp(q, k, v, { selectedKeys, causal: true }) };
}

const [q, k, v] = inputs(6);
const ones = gpu.tensor(new Float32Array(6).fill(1), { shape: [1, 1, 6, 1] });
const keys = gpu.tensor([2, 1, 5, 3, 4, 6], { shape: [1, 1, 6, 1] });
const index = { q: ones, k: keys, weights: ones.reshape([1, 1, 6]) };
const { selectedKeys, out, backward } = dsa(q, k, v, index, 2);
console.log(await numbers(selectedKeys.slice(2, 4, 6))); // [ 2, 4, 2, 5 ]
console.log(await numbers(out)); // [ 0, 0.5, 1, 2.5, 3, 3.5 ]
console.log(await numbers(backward(ones).dv)); // [ 2, 0.5, 2, 0.5, 0.5, 0.5 ]
