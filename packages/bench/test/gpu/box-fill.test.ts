import { bareVars, testGpu, testTier } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { filled, fillSource } from '../../src/gpu-box/box-heed.ts';
import { valuesFrom } from '../../src/gpu-box/box-probes.ts';

describe('filled', { tags: ['device'] }, () => {
  it.each([[[5, 4]], [[2, 300_000]]])('writes the numbers of valueAt: %j', async (shape) => {
    using tensor = filled(await testGpu(), 'q', shape);
    const count = shape.reduce((a, b) => a * b);
    expect(await tensor.read()).toEqual(valuesFrom('q', 0, count));
  });

  it.runIf(testTier() === 'gpu-minimal')('refuses rows that a device pads', async () => {
    const gpu = await testGpu();
    expect(() => filled(gpu, 'q', [5, 3])).toThrow(/got \[5,3\].*even last dimension/);
  });

  it('every variable has a value from the start', () => {
    expect(bareVars(fillSource.code)).toEqual([]);
  });
});
