import {
  gradientBudget,
  naiveGradients,
  near,
  type NdArray,
  random,
  referenceGradients,
  type ReferenceOptions,
} from '@heed/conformance/reference';
import type { Tensor } from '@heed/core';
import { flexAttentionVjp } from '@heed/flex';
import { attentionVjp } from '@heed/kernels-wgsl';
import { isFullRun } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { type JaxAttention, type JaxArray, jaxGradient } from '../../src/peers/jax-js.ts';
import { swapMiddle } from '../../src/measure/row-layouts.ts';
import { besideJax } from './beside-jax.ts';

const beside = besideJax();

interface Shape {
  readonly batch?: number;
  readonly heads: readonly [q: number, kv: number];
  readonly lengths: readonly [q: number, k: number];
  readonly dim: number;
}

interface Given {
  readonly shape: Shape;
  readonly options?: ReferenceOptions;
  readonly jaxOptions?: JaxAttention;
  readonly hasBias?: boolean;
}

/** Numbers of one problem, [B, H, L, D]. */
class Numbers {
  readonly q: NdArray;
  readonly k: NdArray;
  readonly v: NdArray;
  readonly dOut: NdArray;
  readonly bias: NdArray;

  constructor({ batch = 1, heads: [hq, hkv], lengths: [lq, lk], dim }: Shape) {
    const source = random(lq * lk + dim);
    const array = (...shape: number[]): NdArray => ({
      shape,
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => source.normal()),
    });
    this.q = array(batch, hq, lq, dim);
    this.k = array(batch, hkv, lk, dim);
    this.v = array(batch, hkv, lk, dim);
    this.dOut = array(batch, hq, lq, dim);
    this.bias = array(batch, hq, lq, lk);
  }
}

interface Got {
  readonly dq: NdArray;
  readonly dk: NdArray;
  readonly dv: NdArray;
  readonly dBias?: NdArray;
}

async function heeds({ q, k, v, dOut, bias }: Numbers, { options, hasBias }: Given): Promise<Got> {
  const tensor = ({ data, shape }: NdArray): Tensor =>
    beside.gpu.tensor(data, { shape: [...shape] });
  const operands = [tensor(q), tensor(k), tensor(v)] as const;
  const result = hasBias
    ? flexAttentionVjp(...operands, {
        scoreMod: (s, b, h, i, j, c) => s + c.bias[b]![h]![i]![j]!,
        captures: { bias: tensor(bias) },
        align: 'start',
      })
    : attentionVjp(...operands, { ...(options as object), align: 'start' });
  const { dq, dk, dv, ...rest } = result.backward(tensor(dOut));
  const read = async (x: Tensor): Promise<NdArray> => ({
    shape: x.shape,
    data: (await x.read()) as Float32Array,
  });
  const dBias = 'dCaptures' in rest ? rest.dCaptures['bias'] : undefined;
  return {
    dq: await read(dq),
    dk: await read(dk),
    dv: await read(dv),
    ...(dBias && { dBias: await read(dBias) }),
  };
}

async function jaxs(
  { q, k, v, dOut, bias }: Numbers,
  { jaxOptions, hasBias }: Given,
): Promise<Got> {
  const { numpy: np } = beside.jax;
  const array = ({ data, shape }: NdArray): JaxArray =>
    np.array(data as Float32Array<ArrayBuffer>).reshape([...shape]);
  // Its rows are [B, L, H, D].
  const rows = (x: NdArray): JaxArray => array(x).transpose([0, 2, 1, 3]);
  const gradient = jaxGradient(beside.jax, jaxOptions ?? {});
  const inputs = [rows(q), rows(k), rows(v), ...(hasBias ? [array(bias)] : [])] as const;
  const [dq, dk, dv, dBias] = gradient(rows(dOut), ...inputs) as [
    JaxArray,
    JaxArray,
    JaxArray,
    JaxArray?,
  ];
  const read = async (x: JaxArray, { shape }: NdArray): Promise<NdArray> => {
    const [b, h, l, d] = shape as [number, number, number, number];
    return { shape, data: swapMiddle((await x.data()) as Float32Array, [b, l, h, d]) };
  };
  const got = {
    dq: await read(dq, q),
    dk: await read(dk, k),
    dv: await read(dv, v),
    ...(dBias && { dBias: { shape: bias.shape, data: (await dBias.data()) as Float32Array } }),
  };
  gradient.dispose();
  return got;
}

const small: Shape = { heads: [2, 2], lengths: [19, 19], dim: 8 };
const cases: Record<string, Given> = {
  plain: { shape: { ...small, batch: 2, lengths: [17, 29] } },
  'one key': { shape: { ...small, lengths: [5, 1] } },
  'one query': { shape: { ...small, lengths: [1, 37] } },
  'odd head dim': { shape: { ...small, lengths: [13, 7], dim: 5 } },
  causal: {
    shape: { ...small, lengths: [33, 33] },
    options: { causal: true },
    jaxOptions: { isCausal: true },
  },
  'causal, more keys than queries': {
    shape: { ...small, lengths: [9, 23] },
    options: { causal: true },
    jaxOptions: { isCausal: true },
  },
  window: {
    shape: { ...small, lengths: [41, 41] },
    options: { window: [6, 3] },
    jaxOptions: { localWindowSize: [6, 3] },
  },
  'causal window': {
    shape: { ...small, lengths: [41, 41] },
    options: { causal: true, window: [7, 0] },
    jaxOptions: { isCausal: true, localWindowSize: [7, 0] },
  },
  'additive bias': {
    shape: { ...small, batch: 2, lengths: [11, 14] },
    hasBias: true,
  },
  'grouped heads': {
    shape: { ...small, heads: [6, 2], lengths: [21, 31] },
    options: { causal: true },
    jaxOptions: { isCausal: true, group: 3 },
  },
  'one kv head': {
    shape: { ...small, heads: [4, 1], lengths: [16, 17] },
    jaxOptions: { group: 4 },
  },
};

// Each compiles six kernels, of heed and of jax-js.
const entries = Object.entries(cases).filter(([name]) => isFullRun() || name === 'plain');

describe('gradients are those of jax-js on the same adapter', () => {
  it.for(entries)('%s', async ([, given]) => {
    const numbers = new Numbers(given.shape);
    const { q, k, v, dOut, bias } = numbers;
    const [, heads = 0, lq = 0, lk = 0] = bias.shape;
    const options: ReferenceOptions = {
      ...given.options,
      align: 'start',
      ...(given.hasBias && {
        scoreMod: (s, b, h, i, j) => s + bias.data[((b * heads + h) * lq + i) * lk + j]!,
      }),
    };
    const problem = { q, k, v, options };
    const want = referenceGradients(problem, { dOut });
    const naive = naiveGradients(problem, { dOut });
    const [got, theirs] = [await heeds(numbers, given), await jaxs(numbers, given)];
    for (const name of ['dq', 'dk', 'dv'] as const) {
      const budget = gradientBudget(want[name], naive[name], 'f32');
      expect(near(`heed ${name}`, got[name], want[name], budget).report).toBeUndefined();
      // jax-js is a plain f32 program too.
      expect(near(`jax-js ${name}`, theirs[name], want[name], budget).report).toBeUndefined();
      const both = { ...budget, limit: 2 * budget.limit };
      expect(
        near(`heed beside jax-js: ${name}`, got[name], theirs[name], both).report,
      ).toBeUndefined();
    }
    expect(got.dBias === undefined).toBe(!given.hasBias);
    if (got.dBias) expect(got.dBias.data).toMatchTensor(theirs.dBias!.data, { tolerance: 3e-6 });
  });
});
