import { DisposedError, type Gpu } from '@heed/core';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { attentionVjp } from '../../src/index.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe('what attentionVjp keeps for its backward', () => {
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
