import { testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { runCase } from '../../src/run/run-conformance.ts';
import { byGroup, tierCases } from '../selection/tier-cases.ts';

describe.for(byGroup(tierCases()))('%s', { tags: ['device'] }, ([, cases]) => {
  it.for(cases)('$id', async (named, { skip, annotate }) => {
    const { status, report = '' } = await runCase(await testGpu(), named);
    skip(status === 'unsupported', report);
    if (status === 'pass' && report !== '') await annotate(report);
    expect(status, report).toBe('pass');
  });
});
