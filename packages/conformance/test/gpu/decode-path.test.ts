import { runConformance } from '@heed/conformance';
import { openGpu } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { isFullRun, testGpu } from '@heed/testing';
import { expect, it } from 'vitest';

/**
 * Hooks and a split that sees no key; integers through a block table; several query heads per kv head, in halves; values that are
 * columns of their keys.
 */
const quick = [
  'splits/sinks/f32',
  'quantised-pages/int4/decode/page-sizes/f32',
  'gqa/packed-decode/heads-6x2/f16',
  'shared-kv/paged/dims-72x64/f32',
];

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
