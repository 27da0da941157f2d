import { testTier } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, openEngine } from '../../src/engines/engine.ts';
import { byGroup, tierCases } from '../selection/tier-cases.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine(testTier() === 'gpu-firefox' ? 'firefox' : 'naga');
});
afterAll(() => engine.close());

describe.for(byGroup(tierCases()))('%s', ([, cases]) => {
  it.for(cases)('$id', async ({ id }, { skip, annotate, task }) => {
    const { status, report = '' } = await engine.runCase(id);
    task.meta.pipelines = engine.pipelines;
    skip(status === 'unsupported', report);
    if (status === 'pass' && report !== '') await annotate(report);
    expect(status, report).toBe('pass');
  });
});
