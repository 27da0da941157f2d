import { type Gpu, openGpu, type Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import type { KvSequence, PagedKvCache } from '@heed/kvcache';

export const gpu: Gpu = await openGpu(); // Node: npm install webgpu. openGpu({ device }) takes your own device

/** One kv head of two numbers: all that the toy model needs. */
export const shape = { layers: 1, kvHeads: 1, headDim: 2 };

/** Rows [T, 1, 2] of T numbers, each written twice. */
export const rows = (numbers: readonly number[]): Tensor =>
  gpu.tensor(
    numbers.flatMap((x) => [x, x]),
    { shape: [numbers.length, 1, 2] },
  );

/** The first of the two numbers of each row, rounded for print. */
export const numbers = async (x: Tensor): Promise<number[]> =>
  Array.from(await x.slice(2, 0, 1).read(), (n) => Math.round(n * 1000) / 1000);

/**
 * The toy model reads new tokens of some sequences. Keys are 0 and a token's value is the token, so a row of attention is the
 * mean of all tokens up to its own. Returns their sum at each new token.
 */
export async function read(
  cache: PagedKvCache,
  seqs: readonly KvSequence[],
  news: readonly (readonly number[])[],
): Promise<number[][]> {
  const ends = seqs.map((_, i) => news.slice(0, i + 1).flat().length);
  const tokens = news.flat();
  const zeros = rows(tokens.map(() => 0));
  cache.append(0, seqs, zeros, rows(tokens), { cuSeqlens: Int32Array.of(0, ...ends) });
  const view = cache.view(0, seqs);
  const { out } = varlenAttention(zeros, view, { causal: true });
  const means = await numbers(out);
  return seqs.map(({ length }, i) => {
    const count = news[i]!.length;
    const own = means.slice(ends[i]! - count, ends[i]);
    return own.map((mean, n) => Math.round(mean * (length - count + n + 1)));
  });
}
