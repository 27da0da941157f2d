import { runConformance } from '@heed/conformance';
import { openGpu } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { isFullRun, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { emulateMatrices, type Shape } from './emulated-matrices.ts';
import { patchedDevice } from './patched-device.ts';

/** Of Intel's and NVIDIA's matrices; lavapipe's are 8 × 8 × 8, which the tier of that name tries. */
const shapes: readonly Shape[] = [
  { M: 8, N: 16, K: 16 },
  { M: 16, N: 16, K: 16 },
];

// One kernel for both, which takes seconds to compile.
const quick = ['lengths/cross-113x203/f16', 'dtypes/f16-rounds-to-nearest/f16'] as const;
const more = [
  'seqused/lens-127-63-33-17/poison-nan/f16',
  'gqa/paged-few-rows/heads-8x2/f16',
  'splits/sinks/f16',
  'head-dims/*/f16',
];
const tried = isFullRun() ? [...quick, ...more] : quick;

const problem = { layout: 'dense', dtype: 'f16', q: [1, 1, 8, 64], k: [1, 1, 8, 64] } as const;

/** Runs cases on the device as if it had these matrices: its plan, how many ran, and which failed. */
async function run(
  device: GPUDevice,
  shape: Shape,
  filter: readonly string[],
  fault = (code: string): string => code,
): Promise<{ readonly plan: string; readonly ran: number; readonly failed: readonly string[] }> {
  const emulated = patchedDevice(device, (code) => emulateMatrices(fault(code)), [
    'chromium-experimental-subgroup-matrix',
  ]);
  const config = { componentType: 'f16', resultComponentType: 'f32', ...shape };
  const adapter = { info: { subgroupMatrixConfigs: [config] } } as unknown as GPUAdapter;
  const tuning = { version: 1, force: { path: 'matrix' } } as const;
  using gpu = await openGpu({ device: emulated, adapter, tuning });
  using plan = planAttention(gpu, problem);
  const { cases } = await runConformance(gpu, { filter });
  const failed = cases.filter(({ status }) => status !== 'pass');
  return {
    plan: plan.describe(),
    ran: cases.length,
    failed: failed.map(({ id, report }) => `${id}: ${report}`),
  };
}

describe('the matrix path, its operations emulated,', () => {
  it.for(isFullRun() ? shapes : shapes.slice(0, 1))(
    'is right with matrices of $M × $N × $K',
    async (shape, { skip }) => {
      const { device, capabilities } = await testGpu();
      skip(!capabilities.f16 || !capabilities.subgroups, 'it needs f16 and subgroups');
      const { plan, ran, failed } = await run(device, shape, tried);
      expect(plan).toContain(`path=matrix M=${shape.M} N=${shape.N} K=${shape.K}`);
      expect(failed).toEqual([]);
      expect(ran).toBeGreaterThanOrEqual(tried.length);
    },
  );

  it.for([
    ['lose what f16 does not hold of a weight', 'scaled - held', 'held - held', quick[1]],
    ['mix up its rows', 'let row = matrix / ', 'let row = (matrix + 1u) / ', quick[0]],
  ] as const)(
    'would be caught if it were to %s',
    { tags: ['full'] },
    async ([, find, replace, id], { skip }) => {
      const { device, capabilities } = await testGpu();
      skip(!capabilities.f16 || !capabilities.subgroups, 'it needs f16 and subgroups');
      const fault = (code: string): string => code.replaceAll(find, replace);
      const { failed } = await run(device, shapes[1]!, [id], fault);
      expect(failed).toEqual([expect.stringMatching(/elements off/)]);
    },
  );
});
