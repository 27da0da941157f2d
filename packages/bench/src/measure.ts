/** Something to time: resolves when its work is done, to its milliseconds if only part of it is to be timed. */
export type Run = () => Promise<number | void>;

/**
 * Milliseconds that let end what follows a result: onnxruntime is not done with a run when its result is there, and Node
 * collects garbage on other threads. Either slows what a CPU adapter computes next by a third.
 */
export const REST_MS = 50;

/** How to time. */
export interface MeasureOptions {
  readonly rounds: number;
  /** Untimed rounds first; default 1. */
  readonly warmups?: number;
  /** No round begins after this many milliseconds, but for the first; default: no limit. */
  readonly maxMs?: number;
  /** Milliseconds of nothing before each run, for what the one before left behind to end; default 0. */
  readonly restMs?: number;
  readonly signal?: AbortSignal;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Times several runs in turn, round after round, so that all of them meet the same machine. The order turns by
 * one place each round, so that none always follows the same neighbour. Returns the milliseconds of each run,
 * one per round. Throws what `signal` aborts with.
 */
export function interleave(runs: readonly Run[], options: MeasureOptions): Promise<number[][]> {
  const { now = () => performance.now() } = options;
  return takeTurns(
    runs.map((run) => () => stopwatch(run, now)),
    options,
  );
}

/** The same of runs that know their own times: each resolves to one, in whatever unit. */
export async function takeTurns(
  runs: readonly (() => Promise<number>)[],
  options: MeasureOptions,
): Promise<number[][]> {
  const { rounds, warmups = 1, maxMs = Infinity, restMs = 0, signal } = options;
  const { now = () => performance.now() } = options;
  const samples: number[][] = runs.map(() => []);
  const begin = now();
  for (let round = -warmups; round < rounds; round++) {
    if (round > 0 && now() - begin >= maxMs) break;
    for (let turn = 0; turn < runs.length; turn++) {
      signal?.throwIfAborted();
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
      const i = (turn + round + warmups) % runs.length;
      const sample = await (runs[i] as (typeof runs)[number])();
      if (round >= 0) (samples[i] as number[]).push(sample);
    }
  }
  return samples;
}

/** Milliseconds that one run takes. */
export async function stopwatch(
  run: Run,
  now: () => number = () => performance.now(),
): Promise<number> {
  const start = now();
  const own = await run();
  return own ?? now() - start;
}
