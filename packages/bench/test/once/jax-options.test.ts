import {
  gradientBudget,
  type Gradients,
  naiveGradients,
  near,
  type NdArray,
  permutation,
  type Random,
  random,
  referenceAttention,
  referenceGradients,
  type ReferenceOptions,
} from '@heed/conformance/reference';
import type { Tensor } from '@heed/core';
import { type AttentionOptions, attentionVjp } from '@heed/kernels-wgsl';
import { isFullRun } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { type JaxArray } from '../../src/peers/jax-js.ts';
import { besideJax } from './beside-jax.ts';

const beside = besideJax();

const normal = (source: Random, ...shape: number[]): NdArray => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => source.normal()),
});
const numbers = (values: readonly number[]): NdArray => ({
  shape: [values.length],
  data: Float32Array.from(values),
});

/** An option that jax-js has no name for, and what it is in jax-js's operations. */
interface Given {
  /** Of q and k, and of v. */
  readonly dims: readonly [dim: number, dimV: number];
  readonly options: ReferenceOptions;
  /** Values are the first columns of the keys, whose gradient is the sum of both. */
  readonly isShared?: boolean;
}

const [heads, lq, lk] = [2, 13, 21] as const;
const scale = numbers([0.3, -0.2]);
const softcap = numbers([1.5, 4]);

/** Lists of distinct keys in no order, which both heads share. */
const entries = 6;
const selectedKeys: NdArray = {
  shape: [1, 1, lq, entries],
  data: Float64Array.from(
    Array.from({ length: lq }, (_, i) => [
      ...permutation(lk, random(i)).subarray(0, entries),
    ]).flat(),
  ),
};

const cases: Readonly<Record<string, Given>> = {
  'a learned scale and softcap': { dims: [8, 8], options: { scale, softcap } },
  dropout: { dims: [8, 8], options: { dropout: { rate: 0.3, seed: 2 ** 45 + 7 } } },
  'selected keys': { dims: [8, 5], options: { selectedKeys } },
  'selected keys, dropout, a learned scale': {
    dims: [8, 8],
    options: { selectedKeys, scale, dropout: { rate: 0.3, seed: 5 } },
  },
  'values in the memory of the keys': { dims: [24, 16], options: {}, isShared: true },
  'head dim 512': { dims: [512, 512], options: {} },
  'head dims 576 and 512 in one memory': { dims: [576, 512], options: {}, isShared: true },
};

// Each compiles its own kernels, of heed and of jax-js.
const seeded = Object.entries(cases).filter(([name]) => isFullRun() || name === 'selected keys');

/** Returns the inputs of one case and a gradient of its result. */
function inputsOf({ dims: [dim, dimV], isShared }: Given): Inputs {
  const source = random(dim);
  const k = normal(source, 1, heads, lk, dim);
  return {
    q: normal(source, 1, heads, lq, dim),
    k,
    v: isShared ? columns(k, dimV) : normal(source, 1, heads, lk, dimV),
    dOut: normal(source, 1, heads, lq, dimV),
  };
}

type Inputs = Readonly<Record<'q' | 'k' | 'v' | 'dOut', NdArray>>;

/** Returns the first columns of rows. */
function columns({ shape, data }: NdArray, count: number): NdArray {
  const width = shape.at(-1)!;
  return {
    shape: [...shape.slice(0, -1), count],
    data: Float32Array.from(data).filter((_, i) => i % width < count),
  };
}

/** Adds a gradient of the first columns to that of all. */
function withColumns(all: NdArray, some: NdArray): NdArray {
  const [width, count] = [all.shape.at(-1)!, some.shape.at(-1)!];
  const data = Float64Array.from(all.data, (x, i) => {
    const d = i % width;
    return d < count ? x + some.data[Math.floor(i / width) * count + d]! : x;
  });
  return { shape: all.shape, data };
}

/**
 * Returns 1 / (1 − rate) for the weights that dropout keeps, and 0 for others. With queries of 0 and one-hot values, the reference
 * shows which those are.
 */
function keptWeights({ options: { dropout } }: Given): Float32Array {
  const zeros = { shape: [1, heads, lq, 1], data: new Float32Array(heads * lq) };
  const keys = { shape: [1, heads, lk, 1], data: new Float32Array(heads * lk) };
  const oneHot = Float32Array.from({ length: heads * lk * lk }, (_, i) =>
    Math.floor(i / lk) % lk === i % lk ? 1 : 0,
  );
  const v = { shape: [1, heads, lk, lk], data: oneHot };
  const { out } = referenceAttention({ q: zeros, k: keys, v, options: { dropout: dropout! } });
  return Float32Array.from(out.data, (x) => x * lk);
}

/** The gradients by the inputs in jax-js, from a function that is written from the definition. */
async function jaxs(given: Given, { q, k, v, dOut }: Inputs): Promise<Gradients> {
  const { numpy: np, nn, vjp } = beside.jax;
  const { options, isShared = false, dims } = given;
  const array = ({ data, shape }: NdArray): JaxArray =>
    np.array(Float32Array.from(data)).reshape([...shape]);
  // Rows are [H, L, D]: the batch is one.
  const rows = (x: NdArray): JaxArray => array({ ...x, shape: x.shape.slice(1) });
  const lists = options.selectedKeys;
  const width = lists ? entries : lk;
  /** The rows that lists name, [H, Lq, K, D], or all of them for each query. */
  const chosen = (x: JaxArray, dim: number): JaxArray =>
    lists
      ? np
          .take(x, np.array(Int32Array.from(lists.data), { dtype: np.int32 }), 1)
          .reshape([heads, lq, width, dim])
      : np.broadcastTo(x.reshape([heads, 1, lk, dim]), [heads, lq, lk, dim]);
  const kept = options.dropout && keptWeights(given);
  const factors = (): JaxArray => {
    const all = np.array(kept as Float32Array<ArrayBuffer>).reshape([heads, lq, lk]);
    if (!lists) return all;
    const at = np.array(Int32Array.from(lists.data), { dtype: np.int32 });
    const each = at.reshape([1, lq, width]);
    return np.takeAlongAxis(all, np.broadcastTo(each, [heads, lq, width]), 2);
  };
  const ofHead = (x: JaxArray): JaxArray => x.reshape([heads, 1, 1]);
  const attention = (...inputs: JaxArray[]): JaxArray => {
    const [rowsQ, rowsK, rowsV, scales, caps] = inputs as [
      JaxArray,
      JaxArray,
      JaxArray,
      JaxArray,
      JaxArray,
    ];
    const products = rowsQ
      .reshape([heads, lq, 1, dims[0]])
      .mul(chosen(isShared ? rowsK.ref : rowsK, dims[0]))
      .sum(-1);
    let scores = products.mul(ofHead(scales));
    if (options.softcap) {
      const cap = ofHead(caps);
      scores = np.tanh(scores.div(cap.ref)).mul(cap);
    } else caps.dispose();
    let weights = nn.softmax(scores, -1);
    if (kept) weights = weights.mul(factors());
    if (isShared) rowsV.dispose();
    const values = isShared ? rowsK.slice([], [], [0, dims[1]]) : rowsV;
    return weights.reshape([heads, lq, width, 1]).mul(chosen(values, dims[1])).sum(2);
  };
  const scales = typeof options.scale === 'object' ? options.scale : plainScale(dims[0]);
  const caps = typeof options.softcap === 'object' ? options.softcap : numbers([1, 1]);
  const [out, backward] = vjp(attention, [rows(q), rows(k), rows(v), array(scales), array(caps)]);
  out.dispose();
  const gradients = backward(rows(dOut));
  const [dq, dk, dv, dScale, dSoftcap] = await Promise.all(
    gradients.map(async (x) => (await x.data()) as Float32Array),
  );
  return {
    dq: { shape: q.shape, data: dq! },
    dk: { shape: k.shape, data: dk! },
    dv: { shape: v.shape, data: dv! },
    ...(options.scale !== undefined && { dScale: { shape: [heads], data: dScale! } }),
    ...(options.softcap !== undefined && { dSoftcap: { shape: [heads], data: dSoftcap! } }),
  };
}

const plainScale = (dim: number): NdArray => numbers([1 / Math.sqrt(dim), 1 / Math.sqrt(dim)]);

/** The gradients by the inputs in heed. */
async function heeds(
  { options, isShared, dims }: Given,
  { q, k, v, dOut }: Inputs,
): Promise<Gradients> {
  const tensor = ({ data, shape }: NdArray, dtype: 'f32' | 'i32' = 'f32'): Tensor =>
    beside.gpu.tensor(Float64Array.from(data), { shape: [...shape], dtype });
  const { scale: scales, softcap: caps, selectedKeys: lists, dropout } = options;
  const call: AttentionOptions = {
    ...(scales !== undefined && { scale: tensor(scales as NdArray) }),
    ...(caps !== undefined && { softcap: tensor(caps as NdArray) }),
    ...(lists && { selectedKeys: tensor(lists, 'i32') }),
    ...(dropout && { dropout }),
  };
  const keys = tensor(k);
  const values = isShared ? keys.slice(-1, 0, dims[1]) : tensor(v);
  const gradients = attentionVjp(tensor(q), keys, values, call).backward(tensor(dOut));
  const read = async (x: Tensor): Promise<NdArray> => ({
    shape: x.shape,
    data: (await x.read()) as Float32Array,
  });
  const { dScale, dSoftcap } = gradients;
  return {
    dq: await read(gradients.dq),
    dk: await read(gradients.dk),
    dv: await read(gradients.dv),
    ...(dScale && { dScale: await read(dScale) }),
    ...(dSoftcap && { dSoftcap: await read(dSoftcap) }),
  };
}

/** The gradients that a caller has: for values in the memory of the keys, the sum of both. */
const joined = (given: Given, { dv, ...rest }: Gradients): Partial<Gradients> =>
  given.isShared ? { ...rest, dk: withColumns(rest.dk, dv) } : { ...rest, dv };

// scale · dScale is Σ q·dq, a sum whose terms nearly cancel: its error is that of rounding the terms. dSoftcap's are as large.
const termsOf = (q: NdArray, dq: NdArray): number =>
  Float64Array.from(q.data).reduce((sum, x, i) => sum + Math.abs(x * dq.data[i]!), 0);
const mostInverse = ({ options }: Given): number =>
  Math.max(...[...(options.scale as NdArray).data].map((x) => 1 / Math.abs(x)));

describe('gradients are those of jax-js on the same adapter, which differentiates the definition', () => {
  it.for(seeded)('%s', async ([, given]) => {
    const inputs = inputsOf(given);
    const { dOut, ...rows } = inputs;
    const problem = { ...rows, options: given.options };
    const want = joined(given, referenceGradients(problem, { dOut }));
    const naive = joined(given, naiveGradients(problem, { dOut }));
    const got = joined(given, await heeds(given, inputs));
    const { dv, ...theirs } = await jaxs(given, inputs);
    // jax-js sums both by itself.
    const others: Partial<Gradients> = given.isShared ? theirs : { ...theirs, dv };
    const names = Object.keys(want) as (keyof Gradients)[];
    expect(Object.keys(got).toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      if (name === 'dScale' || name === 'dSoftcap') {
        const tolerance = 2 ** -22 * termsOf(inputs.q, want.dq!) * mostInverse(given);
        for (const gradient of [got, others]) {
          expect(gradient[name]!.data).toMatchTensor(want[name]!.data, { tolerance });
        }
        continue;
      }
      const budget = gradientBudget(want[name]!, naive[name]!, 'f32');
      expect(near(`heed ${name}`, got[name]!, want[name]!, budget).report).toBeUndefined();
      expect(near(`jax-js ${name}`, others[name]!, want[name]!, budget).report).toBeUndefined();
      const both = { ...budget, limit: 2 * budget.limit };
      expect(near(`both: ${name}`, got[name]!, others[name]!, both).report).toBeUndefined();
    }
  });
});
