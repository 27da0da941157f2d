import { isFullRun, testTier } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, openEngine } from '../../src/engines/engine.ts';
import { selectCases } from '../../src/run/select-cases.ts';
import { quickCases } from './quick-cases.ts';

const cases = isFullRun() ? selectCases({ tag: 'browser' }) : quickCases(selectCases());

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine(testTier() === 'gpu-firefox' ? 'firefox' : 'naga');
});
afterAll(() => engine.close());

describe.for([...new Set(cases.map((c) => c.group))])('%s', (group) => {
  it.for(cases.filter((c) => c.group === group))(
    '$id',
    async ({ id }, { skip, annotate, task }) => {
      const { status, report = '' } = await engine.runCase(id);
      task.meta.pipelines = engine.pipelines;
      skip(status === 'unsupported', report);
      if (status === 'pass' && report !== '') await annotate(report);
      expect(status, report).toBe('pass');
    },
  );
});
