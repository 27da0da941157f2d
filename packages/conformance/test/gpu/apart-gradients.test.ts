import { runConformance } from '@heed/conformance';
import { type Gpu, openGpu, type Tuning } from '@heed/core';
import { type AttentionProblem, planAttention, tuneCandidates } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { expect, it } from 'vitest';

/** The problems of the cases `backward-head-dims`. */
const problem = (dtype: 'f32' | 'f16', dim: number, dimV: number): AttentionProblem => ({
  layout: 'dense',
  dtype,
  causal: true,
  q: [1, 2, 40, dim],
  k: [1, 1, 53, dim],
  v: [1, 1, 53, dimV],
  backward: true,
});

const caseOf = ({ dtype, k, v }: AttentionProblem): string => {
  const [dim, dimV] = [k.at(-1), v!.at(-1)];
  return `backward-head-dims/dim-${dim === dimV ? dim : `${dim}x${dimV}`}/${dtype}`;
};

const problems = [problem('f32', 192, 128), problem('f16', 160, 160), problem('f32', 257, 257)];

/** A tile of GPUs, whose loops have literal bounds: dk and dv do not fit in the registers of a thread together. */
const tile = { path: 'portable', threadsM: 8, rowsPerThread: 4, unroll: true } as const;

function tuned(gpu: Gpu): Tuning {
  const keys = problems.flatMap((one) => tuneCandidates(gpu, one).slice(1));
  return { version: 1, entries: Object.fromEntries(keys.map(({ key }) => [key, tile])) };
}

// A CPU does not take such a tile by default, and compiles it slowly.
it(
  'dk and dv of long rows are right, each from a workgroup of its own',
  { tags: ['full'] },
  async () => {
    const plain = await testGpu();
    const { device } = plain;
    using gpu = await openGpu({ device, tuning: tuned(plain) });
    for (const one of problems) {
      using plan = planAttention(gpu, one);
      expect(plan.describe()).toMatch(/^dk and dv, tuned: portable tiles of 32 × 32/m);
    }
    const { cases } = await runConformance(gpu, { filter: problems.map(caseOf), tier: 'full' });
    const failed = cases.filter(({ status }) => status === 'fail');
    expect(failed.map(({ id, report }) => `${id}: ${report}`)).toEqual([]);
    expect(cases.length).toBe(problems.length);
  },
);
