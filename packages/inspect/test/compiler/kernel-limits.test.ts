import { isFullRun } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type InspectedKernel, inspectKernels } from '../../src/amd/inspect-kernels.ts';
import { attentionCases } from '../../src/cases/attention-cases.ts';
import { callCases } from '../../src/cases/call-cases.ts';
import { type Compiled, compileCases } from '../../src/compile/compile-cases.ts';
import { concerns, figureLimits, missedLimits } from '../../src/limits/figure-limits.ts';

// Six kernels with a loop over tiles, among them those that most limits are for.
const quick = [
  'portable forward f32 D128',
  'portable forward f16 D128',
  'decode f16 D128',
  'decode paged f16 D128',
  'portable backward f16 D128',
];
const cases = attentionCases.filter(({ name }) => isFullRun() || quick.includes(name));

describe.for(isFullRun() ? ['navi31', 'navi21', 'vega10'] : ['navi31'])('on %s', (family) => {
  let compiled: Compiled;
  let kernels: InspectedKernel[];

  beforeAll(async () => {
    compiled = await compileCases([...cases, ...(isFullRun() ? callCases : [])], { family });
    kernels = inspectKernels(family, compiled.kernels);
  });
  afterAll(() => compiled[Symbol.dispose]());

  test('every kernel keeps the limits of its figures', () => {
    expect(missedLimits(family, kernels)).toEqual([]);
  });

  test('the loop over tiles is found, with the multiply-adds that a tile needs', () => {
    const loops = kernels.filter(({ figures }) => figures.workFound !== undefined);
    expect(loops.length).toBeGreaterThanOrEqual(6);
    const doubtful = loops.filter(
      ({ figures: { workFound, unknownLoops } }) =>
        unknownLoops === 0 && !(workFound! > 0.7 && workFound! < 1.6),
    );
    expect(doubtful.map(({ name }) => name)).toEqual([]);
  });

  test('heed refuses no call whose path it chooses', () => {
    const chosen = new Set(cases.filter(({ path }) => path === undefined).map(({ name }) => name));
    const refused = compiled.refused.filter(({ name }) => chosen.has(name));
    expect(refused).toEqual([]);
  });

  test('each limit is of a kernel that exists', { tags: ['full'] }, () => {
    const unused = figureLimits.filter(
      (limit) => limit.on.includes(family) && !kernels.some((kernel) => concerns(limit, kernel)),
    );
    expect(unused).toEqual([]);
  });
});
