import { DisposedError, type Gpu, type Tensor } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import {
  type AttentionProblem,
  type AttentionTensors,
  attentionVjp,
  planAttention,
  varlenAttentionVjp,
} from '@heed/kernels-wgsl';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 12, 64);
});

interface PlannedCase {
  readonly problem: AttentionProblem & { readonly backward: true };
  readonly tensors: () => AttentionTensors;
}

const four = (values: readonly number[]): Tensor => gpu.tensor(values, { shape: [4] });
const normal = (
  q: readonly number[],
  k: readonly number[],
  dtype: 'f32' | 'f16' = 'f32',
): Pick<AttentionTensors, 'q' | 'k' | 'v'> => ({
  q: source.normal(q, dtype),
  k: source.normal(k, dtype),
  v: source.normal(k, dtype),
});

const sizes = { q: [2, 4, 20, 16], k: [2, 2, 30, 16] } as const;
const odd = { q: [1, 4, 9, 7], k: [1, 2, 11, 7] } as const;
const shared = { q: [2, 4, 9, 16], k: [1, 2, 11, 16] } as const;
const packed = { q: [20, 4, 16], k: [30, 2, 16] } as const;
const paged = { q: [20, 4, 16], k: [5, 4, 2, 16] } as const;
const common = { backward: true, numSplits: 1 } as const;

const cases: Record<string, PlannedCase> = {
  dense: {
    problem: { ...common, layout: 'dense', ...sizes },
    tensors: () => ({ ...normal(sizes.q, sizes.k), causal: true }),
  },
  'odd f16': {
    problem: { ...common, layout: 'dense', ...odd, dtype: 'f16' },
    tensors: () => normal(odd.q, odd.k, 'f16'),
  },
  'sinks and slopes': {
    problem: {
      ...common,
      layout: 'dense',
      ...sizes,
      sinks: true,
      alibiSlopes: true,
      softcap: true,
    },
    tensors: () => ({
      ...normal(sizes.q, sizes.k),
      sinks: four([1, 0, -1, 2]),
      alibiSlopes: four([0.5, 0.25, 0.1, 0]),
      softcap: 3,
    }),
  },
  'learned scale and softcap, dropout by a seed on the GPU': {
    problem: {
      ...common,
      layout: 'dense',
      ...sizes,
      scale: 'tensor',
      softcap: 'tensor',
      dropout: true,
    },
    tensors: () => ({
      ...normal(sizes.q, sizes.k),
      scale: four([0.1, 0.2, 0.3, -0.2]),
      softcap: gpu.tensor([3], { shape: [] }),
      dropout: { rate: 0.5, seed: gpu.tensor(Uint32Array.of(1, 2), { shape: [2] }) },
    }),
  },
  'keys of one batch entry': {
    problem: { ...common, layout: 'dense', ...shared },
    tensors: () => normal(shared.q, shared.k),
  },
  packed: {
    problem: { ...common, layout: 'varlen', ...packed },
    tensors: () => ({
      ...normal(packed.q, packed.k),
      cuSeqlensQ: Int32Array.of(0, 5, 20),
      cuSeqlensK: Int32Array.of(0, 17, 30),
    }),
  },
  paged: {
    problem: { ...common, layout: 'paged', ...paged },
    tensors: () => ({
      ...normal(paged.q, paged.k),
      cuSeqlensQ: Int32Array.of(0, 5, 20),
      seqUsedK: Int32Array.of(7, 9),
      blockTable: Int32Array.of(1, 3, 0, 1, 4, 2),
    }),
  },
};

const quick = ['dense', 'paged'];

describe.for(Object.entries(cases))('a plan with backward, %s', ([title, { problem, tensors }]) => {
  const tags = quick.includes(title) ? [] : ['full'];
  it('gives the bits of the call, and compiles nothing after its warm-up', { tags }, async () => {
    using plan = planAttention(gpu, problem);
    await plan.warmup();
    const given = tensors();
    const dOut = source.normal(given.q.shape, given.q.dtype);
    const before = kernelCount(gpu);
    const { out, backward } = plan.run(given);
    const planned = backward(dOut);
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
    const { q, k, v, ...options } = given;
    const called =
      problem.layout === 'dense'
        ? attentionVjp(q, k, v, { ...options, numSplits: 1 })
        : varlenAttentionVjp(q, k, v, { ...options, numSplits: 1 } as never);
    const gradients = called.backward(dOut);
    const names = ['dq', 'dk', 'dv', 'dSinks', 'dAlibiSlopes', 'dScale', 'dSoftcap'] as const;
    expect(await bits(out, ...names.map((name) => planned[name]))).toEqual(
      await bits(called.out, ...names.map((name) => gradients[name])),
    );
  });
});

describe('what attentionVjp keeps for its backward', () => {
  it('holds a seed with lse, and nothing else', () => {
    const x = gpu.tensor(new Float32Array(64).fill(1), { shape: [1, 1, 4, 16] });
    const seed = gpu.tensor(Uint32Array.of(1, 2), { shape: [2] });
    const before = gpu.memory().tensors;
    const { backward, ...results } = attentionVjp(x, x, x, { dropout: { rate: 0.5, seed } });
    seed.dispose();
    for (const gradient of Object.values(backward(x))) (gradient as Tensor).dispose();
    for (const result of Object.values(results)) result.dispose();
    expect(gpu.memory().tensors).toBe(before - 1);
  });

  it.for(['out', 'lse'] as const)('is gone with %s', (name) => {
    const x = gpu.tensor(new Float32Array(64).fill(1), { shape: [1, 1, 4, 16] });
    const before = gpu.memory().tensors;
    const { backward, ...results } = attentionVjp(x, x, x);
    results[name].dispose();
    const run = (): unknown => backward(x);
    expect(run).toThrow(DisposedError);
    expect(run).toThrow(`attentionVjp backward: ${name} `);
    for (const result of Object.values(results)) result.dispose();
    expect(gpu.memory().tensors).toBe(before);
  });
});
