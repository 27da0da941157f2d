import { runCase, selectCases } from '@heed/conformance';
import { isFullRun, testGpu, testTier } from '@heed/testing';
import { describe, expect, it } from 'vitest';

const all = selectCases({ tier: isFullRun() ? 'full' : 'quick' });

/** What this tier runs of them. */
function ofTier(tier: string): typeof all {
  // Other storage takes another path than matrices, and so does backward.
  if (tier === 'subgroup-matrix')
    return all.filter(({ id, dtype }) => dtype === 'f16' && !id.startsWith('backward'));
  // Without shader-f16, f16 differs in how elements are read and written only: the browser's share of the cases shows that.
  if (tier === 'gpu-minimal' && !isFullRun())
    return all.filter(({ dtype, tags }) => dtype === 'f32' || tags.includes('browser'));
  return all;
}

const cases = ofTier(testTier());

describe.for([...new Set(cases.map((c) => c.group))])('%s', (group) => {
  it.for(cases.filter((c) => c.group === group))('$id', async (named, { skip, annotate }) => {
    const { status, report = '' } = await runCase(await testGpu(), named);
    skip(status === 'unsupported', report);
    if (status === 'pass' && report !== '') await annotate(report);
    expect(status, report).toBe('pass');
  });
});
