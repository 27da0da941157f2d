import { isFullRun, testGpu, testTier } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { runCase } from '../../src/run/run-conformance.ts';
import { casesOf } from '../../src/run/select-cases.ts';

// The Node tiers cover the other cases on the same driver; a browser adds its own device, validation and buffers.
const isExhaustive = isFullRun() && testTier() === 'gpu-browser';
// Refusals of the host need no GPU: outside of test:full only gpu-node runs them.
const cases = casesOf(isExhaustive ? { tier: 'full' } : { tag: 'browser' }).filter(
  ({ tags }) => isFullRun() || !tags.includes('host'),
);

describe.for([...new Set(cases.map((c) => c.group))])('%s', (group) => {
  it.for(cases.filter((c) => c.group === group))('$id', async (named, { skip }) => {
    const { status, report = '' } = await runCase(await testGpu(), named);
    skip(status === 'unsupported', report);
    expect(status, report).toBe('pass');
  });
});
