import type { Attention, Triple } from './attention.ts';

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
