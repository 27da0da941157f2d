import { isFullRun } from '@heed/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lru, priority } from '../../../src/pages/eviction.ts';
import { Double } from './double.ts';
import type { PlainOptions } from './plain-ledger.ts';
import { program, step } from './program.ts';

const opsPerProgram = 250;

const settings: Record<string, { options: PlainOptions; programs: number }> = {
  'pages of 2, lru': {
    options: { layers: 1, pageSize: 2, pages: 12, eviction: lru },
    programs: 120,
  },
  'pages of 1, priority': {
    options: { layers: 2, pageSize: 1, pages: 9, eviction: priority },
    programs: 80,
  },
  'pages of 3, three layers': {
    options: { layers: 3, pageSize: 3, pages: 7, eviction: lru },
    programs: 80,
  },
  'a window': {
    options: { layers: 2, pageSize: 2, pages: 10, window: 3, eviction: lru },
    programs: 80,
  },
  'a window with sinks': {
    options: { layers: 1, pageSize: 2, pages: 10, window: 4, sinkTokens: 3, eviction: priority },
    programs: 60,
  },
};

// 105,000 calls in a full run, a quarter of them in a quick one. A failure prints the shortest program that fails.
describe('random programs agree with a cache that stores every token', () => {
  it.each(Object.entries(settings))('%s', (_, { options, programs }) => {
    const property = fc.property(program(opsPerProgram), (ops) => {
      const double = new Double(options);
      for (const op of ops) {
        step(double, op);
        double.check();
      }
    });
    expect(() =>
      fc.assert(property, { numRuns: isFullRun() ? programs : programs / 4 }),
    ).not.toThrow();
  });
});
