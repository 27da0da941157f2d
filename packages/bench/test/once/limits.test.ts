import { bareVars } from '@heed/testing';
import { testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import { copySource } from '../../src/roofline/copy.wgsl.ts';
import { fmaSource } from '../../src/roofline/fma.wgsl.ts';
import { measureLimits } from '../../src/roofline/limits.ts';

it('an adapter computes and copies something', async () => {
  const { gflops, gigabytes } = await measureLimits(await testGpu());
  expect(gflops).toBeGreaterThan(0);
  expect(gigabytes).toBeGreaterThan(0);
  expect(gflops + gigabytes).toBeLessThan(Infinity);
});

it('every variable has a value from the start', () => {
  for (const { code } of [copySource, fmaSource]) expect(bareVars(code)).toEqual([]);
});
