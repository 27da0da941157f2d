import { expect, it } from 'vitest';
import { routed, roundRobin } from '../../src/cell/dispatcher.ts';
import { costModel } from '../../src/cost/constants.ts';
import { comparePolicies, rateErrors } from '../../src/studies/study-runs.ts';
import { generatedTrace } from '../../src/trace/generated-trace.ts';

// Conversations whose turns find what the turn before left, if they come to the same worker.
const trace = generatedTrace({
  conversations: 40,
  turns: 5,
  blocksPerTurn: 6,
  sharedBlocks: 2,
  rate: 1,
  pause: 30,
  seed: 4,
});

const size = { workers: 4, workerTokens: 400_000, storeTokens: 0, costs: costModel() };

const compared = (rateError: number) => {
  const { blockTokens } = trace;
  const dispatchers = [
    roundRobin(),
    routed('leastLoaded', blockTokens),
    routed('leastTtft', blockTokens),
  ];
  const rates = rateErrors(size.workers, rateError);
  const runs = comparePolicies(trace, { ...size, rateError: rates }, dispatchers);
  return runs.map(({ figures }) => figures);
};

it.for([0, 0.5])(
  'knowing prefixes finds more and answers sooner, with rates off by %d',
  (error) => {
    const [turns, least, prefixes] = compared(error);
    expect(prefixes!.hitRate).toBeGreaterThan(1.5 * turns!.hitRate);
    expect(prefixes!.hitRate).toBeGreaterThan(1.5 * least!.hitRate);
    expect(prefixes!.firstToken[1]).toBeLessThan(least!.firstToken[1]);
    for (const { answered, refused } of [turns!, least!, prefixes!]) {
      expect([answered, refused]).toEqual([trace.requests.length, 0]);
    }
  },
);

it('a policy makes the same choices again', () => {
  expect(compared(0.5)).toEqual(compared(0.5));
});

it('rates are off by what was said, each worker by its own', () => {
  const factor = rateErrors(100, 0.5);
  const all = Array.from({ length: 100 }, (_, i) => factor(i));
  expect(Math.min(...all)).toBeGreaterThanOrEqual(0.5);
  expect(Math.max(...all)).toBeLessThanOrEqual(1.5);
  expect(new Set(all).size).toBe(100);
  expect(rateErrors(3, 0)(2)).toBe(1);
});
