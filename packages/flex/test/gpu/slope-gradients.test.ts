import type { Gpu } from '@heed/core';
import { attentionVjp } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { differences, GradientData, layouts } from './differences.ts';

let gpu: Gpu;
let data: GradientData;
beforeAll(async () => {
  gpu = await testGpu();
  data = new GradientData(gpu);
});

const slopes = [0.25, 0.0625, -0.125, 0.5, 0.03125, 0.375, 0.75, 0.1875];
const sinks = [0.5, -1, 1.5, -3];

describe.for([{ shape: [4] }, { shape: [2, 4] }])('slopes $shape, and sinks', ({ shape }) => {
  const given = slopes.slice(
    0,
    shape.reduce((a, b) => a * b),
  );

  const loss = (slopesAt: ArrayLike<number>, sinksAt: ArrayLike<number>): number =>
    data.loss(layouts.dense, {
      score: (s, b, h, q, kv) =>
        s - slopesAt[shape.length === 2 ? 4 * b + h : h]! * Math.abs(q - kv),
      sinks: Array.from(sinksAt),
    });

  it('have the gradients of float64 differences', async () => {
    const { q, k, v } = layouts.dense.tensors(data.inputs);
    const { backward } = attentionVjp(q, k, v, {
      alibiSlopes: gpu.tensor(given, { shape }),
      sinks: gpu.tensor(sinks, { shape: [4] }),
    });
    const { dAlibiSlopes, dSinks } = backward(data.dOut(layouts.dense));
    expect(dAlibiSlopes!.shape).toEqual(shape);
    expect(await dAlibiSlopes!.read()).toMatchTensor(
      differences((x) => loss(x, sinks), given),
      { tolerance: 3e-5 },
    );
    expect(dSinks!.shape).toEqual([4]);
    expect(await dSinks!.read()).toMatchTensor(
      differences((x) => loss(given, x), sinks),
      { tolerance: 1e-5 },
    );
  });
});
