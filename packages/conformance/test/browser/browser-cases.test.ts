import { runCase } from '../../src/run/run-conformance.ts';
import { casesOf } from '../../src/run/select-cases.ts';
import { isFullRun, testGpu, testTier } from '@heed/testing';
import { describe, expect, it } from 'vitest';

// Node covers the rest on the same driver; a browser adds its own device, validation and buffers.
const isExhaustive = isFullRun() && testTier() === 'gpu-browser';
const cases = casesOf(isExhaustive ? { tier: 'full' } : { tag: 'browser' });

describe.for([...new Set(cases.map((c) => c.group))])('%s', (group) => {
  it.for(cases.filter((c) => c.group === group))('$id', async (named, { skip }) => {
    const { status, report = '' } = await runCase(await testGpu(), named);
    skip(status === 'unsupported', report);
    expect(status, report).toBe('pass');
  });
});
