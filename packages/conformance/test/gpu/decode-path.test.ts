import { runConformance } from '@heed/conformance';
import { openGpu } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { isFullRun, testGpu } from '@heed/testing';
import { expect, it } from 'vitest';

/** Hooks and a split that sees no key; several query heads per kv head, in halves. */
const quick = ['splits/sinks/f32', 'gqa/packed-decode/heads-6x2/f16'];

const more = [
  'gqa/',
  'splits/',
  'options/decode',
  'dropout/',
  'block-tables/',
  'quantised-pages/',
  'hostile-lengths/',
  'head-dims/',
  'shared-kv/',
  'batch-invariance/packed-decode/',
];

/** A page's tail and 8 bits; integers through a block table beside options. */
const quickIntegers = [
  'quantised-head-dims/int8/decode-129/f32',
  'quantised-options/int4/decode/data/f16',
];

const moreIntegers = ['quantised-*', 'selected-keys/mixed/int*', 'shared-kv/int*'];

const step = { layout: 'dense', dtype: 'f32', q: [1, 8, 1, 64], k: [1, 2, 64, 64] } as const;

// A CPU does not take the path by default.
it('the decode path, forced, is right', async () => {
  const { device } = await testGpu();
  using gpu = await openGpu({ device, tuning: { version: 1, force: { path: 'decode' } } });
  using plan = planAttention(gpu, step);
  expect(plan.describe()).toContain('path=decode');
  const filter = isFullRun() ? more : quick;
  const { cases } = await runConformance(gpu, { filter });
  const failed = cases.filter(({ status }) => status !== 'pass');
  expect(failed.map(({ id, report }) => `${id}: ${report}`)).toEqual([]);
  expect(cases.length).toBeGreaterThanOrEqual(filter.length);
});

const pages = {
  layout: 'paged',
  dtype: 'f32',
  q: [1, 8, 64],
  k: [4, 16, 2, 17],
  v: [4, 16, 2, 17],
  format: 'int8',
  headDim: 64,
  headDimV: 64,
  sequences: 1,
} as const;

it('the path of integers, forced, is right', async ({ skip }) => {
  const { device, capabilities } = await testGpu();
  skip(!capabilities.integerDots, 'it needs products of packed integers');
  using gpu = await openGpu({ device, tuning: { version: 1, force: { path: 'integers' } } });
  using plan = planAttention(gpu, pages);
  expect(plan.describe()).toContain('path=integers');
  expect(plan.wgsl).toContain('dot4I8Packed');
  using plain = planAttention(gpu, step);
  expect(plain.describe()).toContain('not integers: its keys are not integers');
  const filter = isFullRun() ? moreIntegers : quickIntegers;
  const { cases } = await runConformance(gpu, { filter });
  const failed = cases.filter(({ status }) => status !== 'pass');
  expect(failed.map(({ id, report }) => `${id}: ${report}`)).toEqual([]);
  expect(cases.length).toBeGreaterThanOrEqual(filter.length);
});
