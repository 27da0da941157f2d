import { runConformance } from '@heed/conformance';
import { openGpu, type Tuning } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { isFullRun, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type EmulatedMatrices, withMatrices } from './emulated-matrices.ts';

let device: GPUDevice;
let canEmulate = false;
beforeAll(async () => {
  const gpu = await testGpu();
  const { f16, subgroups } = gpu.capabilities;
  device = gpu.device;
  canEmulate = f16 && subgroups !== undefined && subgroups.min >= 8;
});

const halves = { components: 'f16', subgroupSize: 32 } as const;

const force: Tuning = { version: 1, force: { path: 'matrix' } };

/** Returns a tuning with a tile for every problem that it can serve: q stays in workgroup memory. */
function withoutQuery(subgroups: number, sharing: number): Tuning {
  const tile = {
    path: 'matrix',
    ...halves,
    M: 16,
    N: 16,
    K: 16,
    isPinned: false,
    unroll: false,
    subgroups,
    rowBlocks: 1,
    sharing,
    keepsQuery: false,
  };
  const entries = new Proxy(
    {},
    {
      get: () => tile,
      getOwnPropertyDescriptor: () => ({ value: tile, configurable: true }),
    },
  );
  return { version: 1, entries };
}

/** Shapes of real GPUs. The tier subgroup-matrix tests 8 × 8 × 8 of f16, the shape of lavapipe. */
const shapes: readonly (EmulatedMatrices & { readonly tuning: Tuning })[] = [
  { M: 16, N: 16, K: 16, ...halves, tuning: withoutQuery(4, 2) },
  { M: 8, N: 8, K: 8, components: 'f32', subgroupSize: 32, tuning: force },
  { M: 16, N: 16, K: 16, ...halves, tuning: force },
  { M: 16, N: 16, K: 16, ...halves, tuning: withoutQuery(2, 1) },
  { M: 16, N: 8, K: 16, ...halves, tuning: force },
  { M: 8, N: 8, K: 8, ...halves, tuning: force },
];

// All of a shape use one kernel, which takes seconds to compile.
const quick = ['lengths/cross-113x203', 'batch-invariance/growing-rows'] as const;
const more = [
  'lengths/*',
  'lse/*',
  'max/*',
  'dropout/half-with-sinks',
  'dropout/causal-lq-over-lk',
  'dropout/rate-0-is-plain',
  'dropout/kept-set/*',
  'dtypes/*',
  'options/*',
  'batch-invariance/*',
  'seqused/lens-127-63-33-17/poison-nan',
  'gqa/paged-few-rows/heads-8x2',
  'splits/sinks',
  'head-dims/*',
];
const tried = isFullRun() ? [...quick, ...more] : quick;

describe('the matrix path, its operations emulated,', () => {
  it.for(isFullRun() ? shapes : shapes.slice(0, 2))(
    'is right with matrices of $M × $N × $K of $components',
    async ({ tuning, ...matrices }, { skip }) => {
      skip(!canEmulate, 'it needs f16 and subgroups of 8');
      const { M, N, K, components: dtype } = matrices;
      using gpu = await openGpu({ device: withMatrices(device, matrices) });
      // openGpu would copy its entries.
      Object.defineProperty(gpu, 'tuning', { value: tuning });
      const shape = [1, 1, 8, 64];
      using plan = planAttention(gpu, { layout: 'dense', dtype, q: shape, k: shape });
      expect(plan.describe()).toContain(`path=matrix M=${M} N=${N} K=${K} components=${dtype}`);
      const { cases } = await runConformance(gpu, { filter: tried.map((id) => `${id}/${dtype}`) });
      const failed = cases.filter(({ status }) => status !== 'pass');
      expect(failed.map(({ id, report }) => `${id}: ${report}`)).toEqual([]);
      expect(cases.length).toBeGreaterThanOrEqual(tried.length);
    },
  );
});
