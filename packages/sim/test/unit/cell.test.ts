import { describe, expect, it } from 'vitest';
import { type CellOptions, type CellRun, runCell } from '../../src/cell/cell.ts';
import { roundRobin } from '../../src/cell/dispatcher.ts';
import { costModel } from '../../src/cost/constants.ts';
import { runFigures } from '../../src/studies/run-figures.ts';
import { generatedTrace } from '../../src/trace/generated-trace.ts';
import type { Trace } from '../../src/trace/trace.ts';

const trace = generatedTrace({
  conversations: 50,
  turns: 4,
  blocksPerTurn: 5,
  sharedBlocks: 3,
  rate: 1,
  pause: 30,
  seed: 3,
});

const run = (options: Partial<CellOptions> = {}, of: Trace = trace): CellRun =>
  runCell(of, {
    workers: 4,
    workerTokens: 200_000,
    storeTokens: 0,
    costs: costModel(),
    dispatcher: roundRobin(),
    ...options,
  });

const alone = (inputTokens: number, outputTokens: number): Trace => {
  const blocks = Array.from({ length: Math.ceil(inputTokens / 512) }, (_, i) => i);
  const requests = [{ at: 1, blocks, inputTokens, outputTokens }];
  return { name: 'alone', blockTokens: 512, requests };
};

describe('a request alone', () => {
  it('takes its steps and nothing else', () => {
    const { chunkTokens, prefillTokensPerSecond, stepSeconds, decodeSeconds, hopSeconds } =
      costModel();
    const tokens = 2 * chunkTokens + 100;
    const [outcome] = run({}, alone(tokens, 5)).outcomes;
    // Three chunks, each a step; the last gives the first token.
    const first = 3 * stepSeconds + tokens / prefillTokensPerSecond + 2 * hopSeconds;
    expect(outcome!.firstToken).toBeCloseTo(first, 9);
    expect(outcome!.lastToken).toBeCloseTo(first + 4 * (stepSeconds + decodeSeconds), 9);
    expect(outcome).toMatchObject({ cachedTokens: 0, loadedTokens: 0, computedTokens: tokens });
  });

  it('larger than a worker is refused loudly', () => {
    expect(() => run({ workerTokens: 1024 }, alone(5000, 1))).toThrow('sim:');
  });
});

it('every request is answered, and every token found, loaded or computed', () => {
  const { outcomes, refused } = run();
  expect(refused).toBe(0);
  expect(outcomes).toHaveLength(trace.requests.length);
  for (const outcome of outcomes) {
    const { request, cachedTokens, loadedTokens, computedTokens, firstToken, lastToken } = outcome;
    expect(cachedTokens + loadedTokens + computedTokens).toBe(request.inputTokens);
    expect(computedTokens).toBeGreaterThan(0);
    expect(firstToken).toBeGreaterThan(0);
    expect(lastToken).toBeGreaterThanOrEqual(firstToken);
  }
});

it('the same trace and options give the same run', () => {
  expect(run()).toEqual(run());
});

it('twice the requests in the same time wait longer', () => {
  const twice = { ...trace, requests: trace.requests.map((one) => ({ ...one, at: one.at / 4 })) };
  const [slow, fast] = [run(), run({}, twice)].map((one) => runFigures('', 4, one).firstToken[1]);
  expect(fast).toBeGreaterThan(slow!);
});

describe('the store', () => {
  const cheap = costModel({ loadSecondsPerByte: 2e-10, storeBytesPerSecond: 5e9 });

  it('gives what another worker has computed, where loading is quicker', () => {
    const [without, with_] = [0, 1e8].map((storeTokens) =>
      runFigures('', 4, run({ storeTokens, costs: cheap })),
    );
    expect(without!.loadedRate).toBe(0);
    expect(with_!.loadedRate).toBeGreaterThan(0.2);
    expect(with_!.firstToken[0]).toBeLessThan(without!.firstToken[0]);
    expect(with_!.savedPerSecond).toBeGreaterThan(0);
  });

  it('is left alone where computing is quicker', () => {
    const slow = costModel({ storeBytesPerSecond: 1e8 });
    expect(runFigures('', 4, run({ storeTokens: 1e8, costs: slow })).loadedRate).toBe(0);
  });

  it('that is lost costs work and no answer', () => {
    const options = { storeTokens: 1e8, costs: cheap } as const;
    const lost = run({ ...options, faults: [{ at: 0, kind: 'store', seconds: 1e4 }] });
    expect(lost.loadedBytes).toBe(0);
    expect(lost.outcomes).toHaveLength(trace.requests.length);
    expect(run(options).loadedBytes).toBeGreaterThan(0);
  });
});

describe('a worker that is lost', () => {
  const at = trace.requests[100]!.at;

  it('has its requests answered by the others', () => {
    const { outcomes, refused } = run({
      faults: [{ at, kind: 'worker', worker: 1, seconds: 1e6 }],
      costs: costModel({ prefillTokensPerSecond: 2000 }),
    });
    expect(refused).toBe(0);
    expect(outcomes).toHaveLength(trace.requests.length);
    expect(outcomes.filter(({ retries }) => retries > 0).length).toBeGreaterThan(0);
    const late = outcomes.filter(({ request }) => request.at > at);
    expect(late.every(({ worker }) => worker !== 1)).toBe(true);
  });

  it('comes back empty', () => {
    const figures = (seconds: number): number => {
      const { outcomes } = run({ faults: [{ at, kind: 'worker', worker: 1, seconds }] });
      return outcomes.filter(({ request, worker }) => request.at > at && worker === 1).length;
    };
    expect(figures(5)).toBeGreaterThan(0);
  });

  it('and is the only one has its requests refused, not forgotten', () => {
    const faults = [{ at, kind: 'worker', worker: 0, seconds: 1e6 }] as const;
    const { outcomes, refused } = run({ workers: 1, workerTokens: 1e6, faults });
    expect(refused).toBeGreaterThan(0);
    expect(outcomes.length + refused).toBe(trace.requests.length);
  });
});
