import { isFullRun } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nvidiaCases } from '../../src/cases/attention-cases.ts';
import { callCases } from '../../src/cases/call-cases.ts';
import { type Compiled, compileCases } from '../../src/compile/compile-cases.ts';
import { missedLimits } from '../../src/limits/figure-limits.ts';
import { type CompiledForNvidia, compileForNvidia } from '../../src/nvidia/compile-for-nvidia.ts';
import { architectureOf } from '../../src/nvidia/gpu-architecture.ts';
import { nvccVersion } from '../../src/nvidia/nvcc.ts';

const hasNvcc = await nvccVersion().then(
  () => true,
  () => false,
);

// nvcc takes 2 s of processor time per kernel.
const PATIENCE_MS = 900_000;

describe.runIf(isFullRun() && hasNvcc).for(['sm_90', 'sm_89'])('on %s', (architecture) => {
  let compiled: Compiled;
  let found: CompiledForNvidia;

  beforeAll(async () => {
    compiled = await compileCases([...nvidiaCases, ...callCases], {
      family: 'navi31',
      isNvidia: true,
    });
    found = await compileForNvidia(compiled.kernels, architectureOf(architecture));
  }, PATIENCE_MS);
  afterAll(() => compiled[Symbol.dispose]());

  test('every kernel can be written as CUDA C++', () => {
    expect(found.refused).toEqual([]);
  });

  test('every kernel keeps the limits of its figures', () => {
    expect(missedLimits(architecture, found.kernels)).toEqual([]);
  });

  test('the loop over tiles is found, with the multiply-adds that a tile needs', () => {
    const loops = found.kernels.filter(({ figures }) => figures.workFound !== undefined);
    expect(loops.length).toBeGreaterThanOrEqual(20);
    const doubtful = loops.filter(
      ({ figures: { workFound, unknownLoops } }) =>
        unknownLoops === 0 && !(workFound! > 0.7 && workFound! < 1.6),
    );
    expect(doubtful.map(({ name }) => name)).toEqual([]);
  });
});
