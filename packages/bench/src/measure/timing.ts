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

/** What a set of samples looks like. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** First and third quartile. */
  readonly q1: number;
  readonly q3: number;
}

/** Quantile `p` in [0, 1] with linear interpolation between order statistics. Throws RangeError on no samples. */
export function quantile(samples: ArrayLike<number>, p: number): number {
  if (samples.length === 0)
    throw new RangeError('quantile: needs at least one sample; got none. Run at least one round.');
  const sorted = Float64Array.from(samples).toSorted();
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** Median, quartiles and extremes of the samples. */
export function summarize(samples: ArrayLike<number>): Summary {
  const at = (p: number): number => quantile(samples, p);
  return { median: at(0.5), min: at(0), max: at(1), q1: at(0.25), q3: at(0.75) };
}

/**
 * Ratios of two interleaved series, round by round, so that a slow moment of the machine that touches both
 * sides of a round cancels out.
 */
export function pairedRatios(
  numerator: ArrayLike<number>,
  denominator: ArrayLike<number>,
): Float64Array {
  if (numerator.length !== denominator.length) {
    throw new RangeError(
      `pairedRatios: series must have one sample per round; got ${numerator.length} and ${denominator.length}.`,
    );
  }
  return Float64Array.from(numerator, (n, round) => n / (denominator[round] as number));
}

/** Tells how far a run of several steps is, and how long the rest may take if it is like what was done. */
export class Pace {
  readonly #total: number;
  readonly #now: () => number;
  readonly #start: number;
  #begun = 0;

  /** @param now milliseconds */
  constructor(total: number, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#now = now;
    this.#start = now();
  }

  /** A line for the step that begins: `3/9 decode-f32, about 1:20 left`. */
  next(step: string): string {
    const done = this.#begun++;
    const line = `${this.#begun}/${this.#total} ${step}`;
    if (done === 0) return line;
    const each = (this.#now() - this.#start) / done;
    return `${line}, about ${minutes(each * (this.#total - done))} left`;
  }
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
