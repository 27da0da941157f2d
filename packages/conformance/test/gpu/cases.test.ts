import { runCase, selectCases } from '@heed/conformance';
import { isFullRun, testGpu, testTier } from '@heed/testing';
import { describe, expect, it } from 'vitest';

const all = selectCases({ tier: isFullRun() ? 'full' : 'quick' });
// Other storage takes another path than matrices, and so does backward.
const cases =
  testTier() === 'subgroup-matrix'
    ? all.filter(({ id, dtype }) => dtype === 'f16' && !id.startsWith('backward'))
    : all;

describe.for([...new Set(cases.map((c) => c.group))])('%s', (group) => {
  it.for(cases.filter((c) => c.group === group))('$id', async (named, { skip, annotate }) => {
    const { status, report = '' } = await runCase(await testGpu(), named);
    skip(status === 'unsupported', report);
    if (status === 'pass' && report !== '') await annotate(report);
    expect(status, report).toBe('pass');
  });
});
