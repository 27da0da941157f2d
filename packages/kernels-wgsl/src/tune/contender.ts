import { type ErrorCode, type Gpu, HeedError, type TuningEntry } from '@heed/core';
import { warmup } from '@heed/core/kernel';
import type { FloatType } from '../text/parts/kinds.ts';
import type { Attempt, AttemptOf, Output } from './attempts.ts';
import type { Sample } from './sample.ts';
import type { CandidateReport } from './tune-options.ts';

/** What the candidates of one canonical problem are tried on. */
export interface Subject {
  readonly gpu: Gpu;
  readonly key: string;
  readonly samples: readonly Sample[];
  readonly attemptOf: AttemptOf;
}

/** An entry, as a call would meet it in a tuning: what it comes to on each sample. */
export function attemptsOf(
  { key, samples, attemptOf }: Subject,
  entry: TuningEntry,
): readonly Attempt[] {
  const tuning = { version: 1, entries: { [key]: entry } } as const;
  return samples.map((sample) => {
    const attempt = attemptOf(sample, tuning);
    const isMet = Object.entries(attempt.tile).every(([name, x]) => entry[name] === x);
    // Else the default would be timed in the entry's name.
    if (!isMet) throw new Error(`tune: ${key} did not lead to its own entry: ${attempt.reason}`);
    return attempt;
  });
}

/** The results on all samples. */
export async function results(attempts: readonly Attempt[]): Promise<Output[]> {
  const outputs: Output[] = [];
  for (const attempt of attempts) outputs.push(...(await attempt.read()));
  return outputs;
}

/** Compiles the kernels of each sample; resolves to the milliseconds that it took. */
export async function compile(
  { gpu }: Subject,
  attempts: readonly Attempt[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const start = performance.now();
  for (const attempt of attempts) await warmup(gpu, attempt.sources(), signal && { signal });
  return performance.now() - start;
}

/** An entry that may be timed. */
export interface Contender {
  readonly entry: TuningEntry;
  readonly compileMs: number;
}

export interface ExamineOptions {
  readonly compileSeconds: number;
  readonly signal: AbortSignal | undefined;
}

// What one kernel may meet and another not.
const FAILURES: readonly string[] = ['compile', 'gpu', 'limit'] satisfies ErrorCode[];

/** Compiles an entry's kernels and holds their results against the default's; a report is what keeps it from being timed. */
export async function examine(
  subject: Subject,
  entry: TuningEntry,
  wanted: readonly Output[],
  { compileSeconds, signal }: ExamineOptions,
): Promise<Contender | CandidateReport> {
  try {
    const attempts = attemptsOf(subject, entry);
    const compileMs = await compile(subject, attempts, signal);
    for (const [i, { values }] of (await results(attempts)).entries()) {
      const reason = disagreement(values, wanted[i]!.values, wanted[i]!.dtype);
      if (reason !== undefined) return { entry, status: 'wrong', reason, compileMs };
    }
    if (compileMs <= 1000 * compileSeconds) return { entry, compileMs };
    const reason = `${(compileMs / 1000).toFixed(1)} s to compile`;
    return { entry, status: 'slow', reason, compileMs };
  } catch (error) {
    if (!HeedError.is(error) || !FAILURES.includes(error.code)) throw error;
    return { entry, status: 'failed', reason: error.message.split('\n')[0]! };
  }
}

// Other tiles add in another order. Far above what that does to f32 sums, and to their rounding to halves; far under a wrong key.
const LIMIT: Readonly<Record<FloatType, number>> = { f32: 2 ** -13, f16: 2 ** -8 };

/** @returns how far a result is from the default's, if that is farther than tiles may differ */
export function disagreement(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  dtype: FloatType,
): string | undefined {
  let largest = 0;
  for (let i = 0; i < want.length; i++) largest = Math.max(largest, Math.abs(want[i]!));
  const limit = LIMIT[dtype] * Math.max(largest, 1e-3);
  for (let i = 0; i < want.length; i++) {
    // Not the other way round: NaN is no number that agrees.
    if (!(Math.abs(got[i]! - want[i]!) <= limit)) {
      return `element ${i} is ${got[i]}, the default gives ${want[i]}`;
    }
  }
  return undefined;
}
