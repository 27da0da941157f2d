import { testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { runCase } from '../../src/run/run-conformance.ts';
import { byGroup, tierCases } from '../selection/tier-cases.ts';

describe.for(byGroup(tierCases()))('%s', ([, cases]) => {
  it.for(cases)('$id', async (named, { skip }) => {
    const { status, report = '' } = await runCase(await testGpu(), named);
    skip(status === 'unsupported', report);
    expect(status, report).toBe('pass');
  });
});
