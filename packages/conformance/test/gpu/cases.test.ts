import { isFullRun, testGpu, testTier } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { runCase } from '../../src/run/run-conformance.ts';
import { casesOf } from '../../src/run/select-cases.ts';
import { quickCases } from '../engine/quick-cases.ts';

const all = casesOf({ tier: isFullRun() ? 'full' : 'quick' });

/** Returns the cases that a tier runs. */
function ofTier(tier: string): typeof all {
  // f32 and backward do not use subgroup matrices.
  if (tier === 'subgroup-matrix')
    return all.filter(({ id, dtype }) => dtype === 'f16' && !id.startsWith('backward'));
  if (!isFullRun() && ['gpu-minimal', 'gpu-swiftshader'].includes(tier)) return quickCases(all);
  return all;
}

const cases = ofTier(testTier());

describe.for([...new Set(cases.map((c) => c.group))])('%s', { tags: ['device'] }, (group) => {
  it.for(cases.filter((c) => c.group === group))('$id', async (named, { skip, annotate }) => {
    const { status, report = '' } = await runCase(await testGpu(), named);
    skip(status === 'unsupported', report);
    if (status === 'pass' && report !== '') await annotate(report);
    expect(status, report).toBe('pass');
  });
});
