import type { Gpu } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';
import { printedBy, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  attentionExample,
  attentionVjpExample,
  keyMassExample,
  mergeExample,
  planExample,
  topKeysExample,
  tuneCandidatesExample,
  tuneExample,
  varlenExample,
  varlenVjpExample,
  weightsExample,
} from '../examples/docstrings.ts';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 11, 64);
});

it('the README’s first example runs and prints what it says', async () => {
  const calls = await printedBy(() => import('../examples/quickstart.ts'));
  const printed = calls as [number[], Float32Array][];
  expect(printed.map(([shape]) => shape)).toEqual([
    [1, 8, 512, 64],
    [1, 8, 512],
  ]);
  expect(printed.map(([, data]) => data.length)).toEqual([262_144, 4096]);
  expect(printed.every(([, data]) => data.every(Number.isFinite))).toBe(true);
});

it('the example for Node in the repository’s README runs', async () => {
  const [call] = await printedBy(() => import('../examples/node.ts'));
  const [shape, out, lse] = call as [number[], number, number];
  expect(shape).toEqual([1, 8, 512, 64]);
  expect(Number.isFinite(out) && Number.isFinite(lse)).toBe(true);
});

it('the README’s recording runs and prints what it says', async () => {
  const calls = await printedBy(() => import('../examples/recording.ts'));
  expect(calls).toEqual([['90.0'], ['91.0']]);
});

describe('the example in the docstring of', () => {
  it('attention', () => {
    const { q, k, v } = source.dense(1, 20, 20);
    expect(attentionExample(q, k, v).map(({ shape }) => shape)).toEqual([q.shape, [1, 4, 20]]);
  });

  it('varlenAttention', () => {
    const { q, k, v } = source.packed(12, 12);
    expect(varlenExample(q, k, v)[0]!.shape).toEqual(q.shape);
  });

  it('attentionVjp', () => {
    const { q, k, v } = source.dense(1, 20, 20);
    const shapes = attentionVjpExample(q, k, v, q).map(({ shape }) => shape);
    expect(shapes).toEqual([q.shape, k.shape, v.shape, q.shape]);
  });

  it('varlenAttentionVjp', () => {
    const { q, k, v } = source.packed(12, 12);
    const shapes = varlenVjpExample(q, k, v, q).map(({ shape }) => shape);
    expect(shapes).toEqual([q.shape, k.shape, v.shape]);
  });

  it('mergeStates', async () => {
    const { q, k, v } = source.dense(1, 20, 60);
    const part = (from: number, to: number) =>
      [k.slice(2, from, to), v.slice(2, from, to)] as const;
    const [out] = mergeExample(q, part(0, 30), part(30, 60));
    const whole = await attention(q, k, v).out.read();
    expect(await out!.read()).toMatchTensor(whole, { tolerance: 2e-6 });
  });

  it('topKeys', async () => {
    const [q, k] = [source.normal([1, 4, 3, 64]), source.normal([1, 1, 5, 64])];
    const lists = await topKeysExample(q, k).read();
    expect([...lists.subarray(0, 5)]).toEqual([0, 1, 2, -1, -1]);
  });

  it('attentionWeights', () => {
    const { q, k, v } = source.dense(1, 20, 20);
    expect(weightsExample(q, k, v)[1]!.shape).toEqual([1, 4, 4, 20]);
  });

  it('keyMass', async () => {
    const { q, k } = source.dense(1, 20, 20);
    const mass = await keyMassExample(q, k).read();
    const sum = Array.from(mass.subarray(0, 20)).reduce((a, b) => a + b);
    expect(sum).toBeCloseTo(20, 4);
  });

  it('planAttention', async () => {
    const [q, k] = [source.normal([1, 8, 64, 64]), source.normal([1, 8, 64, 64])];
    const [out] = await planExample(gpu, q, k, k);
    expect(out!.shape).toEqual(q.shape);
  });

  it('tune', { tags: ['full'] }, async () => {
    const problem = { layout: 'dense', q: [1, 4, 1, 64], k: [1, 2, 64, 64] } as const;
    expect(await tuneExample(gpu, problem)).toContain('decode, tuned: ');
  });

  it('tuneCandidates', () => {
    const problem = { layout: 'dense', q: [1, 4, 64, 64], k: [1, 2, 64, 64] } as const;
    expect(tuneCandidatesExample(gpu, problem)).toBeGreaterThan(0);
  });
});
