import { runConformance } from '@heed/conformance';
import { openGpu, type Tuning } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { isFullRun, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { patchedDevice } from '../once/patched-device.ts';
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

/** Returns a tuning with a tile for every problem that it can serve: its rows stay in workgroup memory. */
function withoutRows(subgroups: number, sharing: number, N = 16): Tuning {
  const tile = {
    path: 'matrix',
    ...halves,
    M: 16,
    N,
    K: 16,
    isPinned: false,
    unroll: false,
    subgroups,
    rowBlocks: 1,
    sharing,
    keepsRows: false,
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

const halves16 = { M: 16, N: 16, K: 16, ...halves };
const floats8 = { M: 8, N: 8, K: 8, components: 'f32', subgroupSize: 32 } as const;

type Shape = Omit<EmulatedMatrices, 'limit'> & { readonly tuning: Tuning };

/** Shapes of real GPUs. The tier subgroup-matrix tests 8 × 8 × 8 of f16, the shape of lavapipe. */
const shapes: readonly Shape[] = [
  { ...halves16, tuning: withoutRows(4, 2) },
  { ...floats8, tuning: force },
  { ...halves16, tuning: force },
  { ...halves16, tuning: withoutRows(2, 1) },
  { M: 16, N: 8, K: 16, ...halves, tuning: force },
  { M: 8, N: 8, K: 8, ...halves, tuning: force },
];

/** The rows stay in registers, but for the last. */
const gradientShapes: readonly Shape[] = [
  { ...halves16, tuning: force },
  { ...floats8, tuning: force },
  { M: 16, N: 8, K: 16, ...halves, tuning: force },
  { M: 8, N: 8, K: 8, ...halves, tuning: force },
  { M: 16, N: 8, K: 16, ...halves, tuning: withoutRows(2, 2, 8) },
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
  'selected-keys/mixed/per-kv-head',
  'selected-keys/mixed/heads-128x1/*',
];

const quickGradients = ['backward-dense/lengths-113x203/causal'] as const;
const moreGradients = [
  'backward-dense/lengths-108x256/*',
  'backward-dense/options/*',
  'backward-gqa/*',
  'backward-large/*',
  'backward-packed/*',
  'backward-dropout/dense',
  'backward-pages/*',
  'backward-determinism/*/3-runs',
  'backward-head-dims/*',
];

/** Runs cases on a device with emulated matrices. */
async function passes(shape: Shape, dtype: 'f16' | 'f32', limit: number, ids: readonly string[]) {
  const { tuning, ...matrices } = shape;
  using gpu = await openGpu({ device: withMatrices(device, { ...matrices, limit }) });
  // openGpu would copy its entries.
  Object.defineProperty(gpu, 'tuning', { value: tuning });
  const q = [1, 2, 8, 32];
  const k = [1, 1, 8, 32];
  using plan = planAttention(gpu, { layout: 'dense', dtype, q, k, backward: dtype === 'f16' });
  const { cases } = await runConformance(gpu, { filter: ids.map((id) => `${id}/${dtype}`) });
  const failed = cases.filter(({ status }) => status !== 'pass');
  expect(failed.map(({ id, report }) => `${id}: ${report}`)).toEqual([]);
  expect(cases.length).toBeGreaterThanOrEqual(ids.length);
  return plan.describe();
}

const pathOf = ({ M, N, K, components }: Shape): string =>
  `path=matrix M=${M} N=${N} K=${K} components=${components}`;

describe('the matrix path, its operations emulated,', () => {
  it.for(isFullRun() ? shapes : shapes.slice(0, 2))(
    'is right with matrices of $M × $N × $K of $components',
    async (shape, { skip }) => {
      skip(!canEmulate, 'it needs f16 and subgroups of 8');
      const { components } = shape;
      const limit = { f16: 20_480, f32: 15_360 }[components];
      const ids = isFullRun() ? [...quick, ...more] : quick;
      expect(await passes(shape, components, limit, ids)).toContain(pathOf(shape));
    },
  );

  it.for(isFullRun() ? gradientShapes : gradientShapes.slice(0, 1))(
    'has right gradients of f16 with matrices of $M × $N × $K of $components',
    async (shape, { skip }) => {
      skip(!canEmulate, 'it needs f16 and subgroups of 8');
      const ids = isFullRun() ? [...quickGradients, ...moreGradients] : quickGradients;
      const kernels = (await passes(shape, 'f16', 24_576, ids)).split('\n');
      for (const name of ['backward dq', 'backward dkv']) {
        expect(kernels.find((label) => label.includes(name))).toContain(pathOf(shape));
      }
    },
  );

  it(
    'fails where sums keep the old power of two as gradients grow',
    { tags: ['full'] },
    async ({ skip }) => {
      skip(!canEmulate, 'it needs f16 and subgroups of 8');
      const faulty = patchedDevice(device, {
        code: (code) => code.replace(/let factor = change_of_power\(.*;/, 'let factor = 1.0;'),
      });
      const matrices = { M: 16, N: 16, K: 16, ...halves, limit: 24_576 };
      using gpu = await openGpu({ device: withMatrices(faulty, matrices), tuning: force });
      const { cases } = await runConformance(gpu, { filter: ['backward-large/steep/growing/f16'] });
      expect(cases.map(({ status }) => status)).toEqual(['fail']);
    },
  );
});
