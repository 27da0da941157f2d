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
interface Attended {
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

/** The same attention in float64 from its definition, gradients by the chain rule through the whole matrix of weights. */
export const attention64: Attention = async (qkv, bias, shape) => {
  const { batch, length, heads, headDim: D } = shape;
  const [q, k, v] = qkv;
  const at = (b: number, i: number, h: number): number => ((b * length + i) * heads + h) * D;
  const dot = (x: Float64Array, i: number, y: Float64Array, j: number): number => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += x[i + d]! * y[j + d]!;
    return sum;
  };
  const add = (to: Float64Array, i: number, a: number, x: Float64Array, j: number): void => {
    for (let d = 0; d < D; d++) to[i + d]! += a * x[j + d]!;
  };
  const scale = 1 / Math.sqrt(D);
  const weights: Float64Array[] = [];
  const out = new Float64Array(q.length);
  const eachRow = (visit: (b: number, h: number, i: number) => void): void => {
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++) for (let i = 0; i < length; i++) visit(b, h, i);
  };
  eachRow((b, h, i) => {
    const row = Float64Array.from({ length: i + 1 }, (_, j) =>
      Math.exp(dot(q, at(b, i, h), k, at(b, j, h)) * scale + bias[h * length + i - j]!),
    );
    const sum = row.reduce((a, x) => a + x, 0);
    weights.push(row.map((x) => x / sum));
    weights.at(-1)!.forEach((w, j) => add(out, at(b, i, h), w, v, at(b, j, h)));
  });
  return {
    out,
    backward: async (dOut) => {
      const [dq, dk, dv] = qkv.map((x) => new Float64Array(x.length)) as unknown as Triple;
      const dBias = new Float64Array(bias.length);
      let next = 0;
      eachRow((b, h, i) => {
        const row = weights[next++]!;
        const at0 = at(b, i, h);
        const delta = dot(dOut, at0, out, at0);
        row.forEach((w, j) => {
          const at1 = at(b, j, h);
          const dScore = w * (dot(dOut, at0, v, at1) - delta);
          add(dv, at1, w, dOut, at0);
          add(dq, at0, dScore * scale, k, at1);
          add(dk, at1, dScore * scale, q, at0);
          dBias[h * length + i - j]! += dScore;
        });
      });
      return { inputs: [dq, dk, dv], bias: dBias };
    },
  };
};
