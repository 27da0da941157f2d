import type { Gpu, Tensor } from '@heed/core';
import { flexAttentionVjp, type ScoreMod } from '../../src/index.ts';

/** q, k and v of [batch, length, heads, headDim], flat; then the gradients by them. */
export type Triple = readonly [q: Float64Array, k: Float64Array, v: Float64Array];

export interface Shape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly headDim: number;
}

/** What the model needs of attention: the result, its gradient by q, k, v and by the table of biases by distance. */
export interface Attended {
  readonly out: Float64Array;
  readonly backward: (
    dOut: Float64Array,
  ) => Promise<{ readonly inputs: Triple; readonly bias: Float64Array }>;
}

/** Causal attention with a learned bias [heads, length] by distance. */
export type Attention = (qkv: Triple, bias: Float64Array, shape: Shape) => Promise<Attended>;

const scoreMod: ScoreMod<{ bias: Tensor }> = (s, b, h, q, kv, { bias }) =>
  kv > q ? -Infinity : s + bias[h]![q - kv]!;

/** Attention and its gradient on the GPU. */
export function gpuAttention(gpu: Gpu): Attention {
  return async (qkv, bias, { batch, length, heads, headDim }) => {
    const rows = (x: Float64Array): Tensor =>
      gpu.tensor(x, { shape: [batch, length, heads, headDim] }).permute([0, 2, 1, 3]);
    const [q, k, v] = qkv.map(rows) as [Tensor, Tensor, Tensor];
    const captures = { bias: gpu.tensor(bias, { shape: [heads, length] }) };
    const { out, backward } = flexAttentionVjp(q, k, v, { scoreMod, captures });
    return {
      out: await readRows(out),
      backward: async (dOut) => {
        const { dq, dk, dv, dCaptures } = backward(rows(dOut));
        const [a, b, c] = await Promise.all([dq, dk, dv].map(readRows));
        return { inputs: [a!, b!, c!], bias: Float64Array.from(await dCaptures['bias'].read()) };
      },
    };
  };
}

async function readRows(x: Tensor): Promise<Float64Array> {
  return Float64Array.from(await x.permute([0, 2, 1, 3]).read());
}
