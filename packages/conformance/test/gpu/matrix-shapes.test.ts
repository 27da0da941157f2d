import { runConformance, selectCases } from '@heed/conformance';
import { openGpu, type Tuning, type TuningEntry } from '@heed/core';
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

const halves = { components: 'f16', subgroupSize: 32, isPinned: true } as const;

type Shape = Omit<EmulatedMatrices, 'limit'> & {
  readonly isPinned: true;
  /** A tile for every problem that it can serve, in place of the defaults of the path. */
  readonly tile?: TuningEntry;
};

/** Returns a shape and a tile of it whose rows stay in workgroup memory. */
function withoutRows(subgroups: number, sharing: number, N = 16): Shape {
  const shape = { M: 16, N, K: 16, ...halves };
  const { components, subgroupSize, isPinned } = shape;
  const rows = { subgroups, rowBlocks: 1, sharing, keepsRows: false, unroll: false };
  const matrices = { M: 16, N, K: 16, components, subgroupSize, isPinned };
  return { ...shape, tile: { path: 'matrix', ...matrices, ...rows } };
}

/** Returns a tuning with one entry for every problem, or one that forces the path. */
function tuningOf(tile: TuningEntry | undefined): Tuning {
  if (!tile) return { version: 1, force: { path: 'matrix' } };
  const property = { value: tile, configurable: true };
  const entries = new Proxy({}, { get: () => tile, getOwnPropertyDescriptor: () => property });
  return { version: 1, entries };
}

const halves16 = { M: 16, N: 16, K: 16, ...halves };
const floats8 = { M: 8, N: 8, K: 8, ...halves, components: 'f32' } as const;

/** Shapes of real GPUs. The tier subgroup-matrix tests 8 × 8 × 8 of f16, the shape of lavapipe. */
const shapes: readonly Shape[] = [
  withoutRows(4, 2),
  floats8,
  halves16,
  withoutRows(2, 1),
  { M: 16, N: 8, K: 16, ...halves },
  { M: 8, N: 8, K: 8, ...halves },
];

/** The rows stay in registers, but for the last. */
const gradientShapes: readonly Shape[] = [
  halves16,
  floats8,
  { M: 16, N: 8, K: 16, ...halves },
  { M: 8, N: 8, K: 8, ...halves },
  withoutRows(2, 2, 8),
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

/** Returns the ids of cases, each given by its beginning and what follows an asterisk. */
const idsOf = (patterns: readonly string[], dtype: 'f16' | 'f32'): string[] =>
  selectCases({ filter: patterns.map((pattern) => `${pattern}/${dtype}`) })
    .map(({ id }) => id)
    .filter((id) => patterns.some((pattern) => id.startsWith(pattern.split('*')[0]!)));

/** Runs cases on a device with emulated matrices. Returns the labels of the kernels that they made. */
async function passes(
  { tile, ...shape }: Shape,
  dtype: 'f16' | 'f32',
  limit: number,
  patterns: readonly string[],
): Promise<string[]> {
  const labels: string[] = [];
  const emulated = withMatrices(device, { ...shape, limit });
  const recording = patchedDevice(emulated, {
    adapterInfo: emulated.adapterInfo,
    made: ({ label = '' }) => void labels.push(label),
  });
  using gpu = await openGpu({ device: recording });
  // openGpu would copy its entries.
  Object.defineProperty(gpu, 'tuning', { value: tuningOf(tile) });
  const { cases } = await runConformance(gpu, { filter: idsOf(patterns, dtype) });
  const failed = cases.filter(({ status }) => status !== 'pass');
  expect(failed.map(({ id, report }) => `${id}: ${report}`)).toEqual([]);
  expect(cases.length).toBeGreaterThanOrEqual(patterns.length);
  return labels;
}

/** Returns how a label says that its kernel has this shape, and the tile. */
function tileText({ M, N, K, components, subgroupSize, isPinned, tile }: Shape): string {
  const fields = { path: 'matrix', M, N, K, components, subgroupSize, isPinned };
  return Object.entries(tile ?? fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** Checks that kernels of a kind multiply by the matrices of a shape: some, or all, where all problems fit its tile. */
function expectShape(labels: readonly string[], kind: string, shape: Shape, all: boolean): void {
  const kernels = labels.filter((label) => label.startsWith(`heed/${kind} `));
  const byMatrices = kernels.filter((label) => label.includes(tileText(shape)));
  const others = kernels.filter((label) => !byMatrices.includes(label));
  expect(byMatrices.length).toBeGreaterThan(0);
  if (all) expect(others).toEqual([]);
}

describe('the matrix path, its operations emulated,', { tags: ['device'] }, () => {
  it.for(isFullRun() ? shapes : shapes.slice(0, 2))(
    'is right with matrices of $M × $N × $K of $components',
    async (shape, { skip }) => {
      skip(!canEmulate, 'it needs f16 and subgroups of 8');
      const { components } = shape;
      const limit = { f16: 20_480, f32: 15_360 }[components];
      const ids = isFullRun() ? [...quick, ...more] : quick;
      const labels = await passes(shape, components, limit, ids);
      expectShape(labels, 'forward', shape, !isFullRun());
    },
  );

  it.for(isFullRun() ? gradientShapes : gradientShapes.slice(0, 1))(
    'has right gradients of f16 with matrices of $M × $N × $K of $components',
    async (shape, { skip }) => {
      skip(!canEmulate, 'it needs f16 and subgroups of 8');
      const ids = isFullRun() ? [...quickGradients, ...moreGradients] : quickGradients;
      const labels = await passes(shape, 'f16', 24_576, ids);
      for (const of of ['dq', 'dkv']) expectShape(labels, `backward ${of}`, shape, !isFullRun());
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
      using gpu = await openGpu({
        device: withMatrices(faulty, matrices),
        tuning: tuningOf(undefined),
      });
      const { cases } = await runConformance(gpu, { filter: ['backward-large/steep/growing/f16'] });
      expect(cases.map(({ status }) => status)).toEqual(['fail']);
    },
  );
});
