import type { CellRun, Outcome } from '../cell/cell.ts';

/** What one run of a cell comes to. */
export interface RunFigures {
  readonly name: string;
  /** Prompt tokens found in a worker's pages / all prompt tokens. */
  readonly hitRate: number;
  /** Prompt tokens that came from the store / all. */
  readonly loadedRate: number;
  /** Seconds to the first token: median, 90th and 99th of a hundred. */
  readonly firstToken: readonly [p50: number, p90: number, p99: number];
  /** Computed tokens of the busiest worker / those of the mean one. */
  readonly busiest: number;
  readonly answered: number;
  readonly refused: number;
  readonly retried: number;
  /** Operations of event messages in a second, of all workers. */
  readonly eventsPerSecond: number;
  /** Bytes a second from the store and to it. */
  readonly loadedPerSecond: number;
  readonly savedPerSecond: number;
}

export function runFigures(name: string, workers: number, run: CellRun): RunFigures {
  const { outcomes, refused, seconds } = run;
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((all, outcome) => all + of(outcome), 0);
  const input = sum(({ request }) => request.inputTokens);
  const computed = new Array<number>(workers).fill(0);
  for (const { worker, computedTokens } of outcomes) computed[worker]! += computedTokens;
  const mean = computed.reduce((a, b) => a + b, 0) / workers;
  const times = Float64Array.from(outcomes, ({ firstToken }) => firstToken).toSorted();
  const quantile = (p: number): number => times[Math.floor(p * (times.length - 1))] ?? NaN;
  return {
    name,
    hitRate: sum(({ cachedTokens }) => cachedTokens) / input,
    loadedRate: sum(({ loadedTokens }) => loadedTokens) / input,
    firstToken: [quantile(0.5), quantile(0.9), quantile(0.99)],
    busiest: Math.max(...computed) / mean,
    answered: outcomes.length,
    refused,
    retried: outcomes.filter(({ retries }) => retries > 0).length,
    eventsPerSecond: run.events / seconds,
    loadedPerSecond: run.loadedBytes / seconds,
    savedPerSecond: run.savedBytes / seconds,
  };
}
