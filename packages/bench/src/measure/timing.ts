/** Work to time. Resolves when it is done, to milliseconds if only part of it is to be timed. */
export type Run = () => Promise<number | void>;

/**
 * Milliseconds of pause after a run. onnxruntime goes on working after its result is there, and Node collects garbage on other
 * threads; both slow the next run on a CPU adapter by a third.
 */
export const REST_MS = 50;

/** How to time. */
export interface MeasureOptions {
  readonly rounds: number;
  /** Number of untimed rounds first; default 1. */
  readonly warmups?: number;
  /** Milliseconds after which no further round begins; default: no limit. The first round always runs. */
  readonly maxMs?: number;
  /** Milliseconds of pause before each run, so that leftover work of the previous one ends; default 0. */
  readonly restMs?: number;
  readonly signal?: AbortSignal;
  /** Returns the time in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Times several runs in turn, round after round, so that a slow moment of the machine affects all of them. The order rotates by one
 * per round, so that no run always follows the same one. Resolves to the milliseconds of each run, one per round. Rejects with the
 * reason of `signal` after an abort.
 */
export function interleave(runs: readonly Run[], options: MeasureOptions): Promise<number[][]> {
  const { now = () => performance.now() } = options;
  return takeTurns(
    runs.map((run) => () => stopwatch(run, now)),
    options,
  );
}

/** Does the same with runs that resolve to their own times, in any unit. */
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

/** Measures one run; resolves to milliseconds. */
export async function stopwatch(
  run: Run,
  now: () => number = () => performance.now(),
): Promise<number> {
  const start = now();
  const own = await run();
  return own ?? now() - start;
}

/** The summary of a set of samples. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** First and third quartile. */
  readonly q1: number;
  readonly q3: number;
}

/** Quantile `p` in [0, 1] with linear interpolation between order statistics. Throws a RangeError without samples. */
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

/** Returns median, quartiles and extremes of samples. */
export function summarize(samples: ArrayLike<number>): Summary {
  const at = (p: number): number => quantile(samples, p);
  return { median: at(0.5), min: at(0), max: at(1), q1: at(0.25), q3: at(0.75) };
}

/**
 * Returns the ratios of two interleaved series, per round: a slow moment of the machine affects both times of a round and cancels
 * out.
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

/** Reports the progress of a run of several steps, and estimates the rest from the steps that are done. */
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

  /** Returns a line for the step that begins: `3/9 decode-f32, about 1:20 left`. */
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
