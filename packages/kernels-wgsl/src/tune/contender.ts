import { type ErrorCode, type Gpu, HeedError, type TuningEntry } from '@heed/core';
import { warmup } from '@heed/core/kernel';
import type { FloatType } from '../text/parts/kinds.ts';
import type { Attempt, AttemptOf, Output } from './attempts.ts';
import type { Sample } from './sample.ts';
import type { CandidateReport } from './tune-options.ts';

/** The samples of one canonical problem, on which its candidates are timed. */
export interface Subject {
  readonly gpu: Gpu;
  readonly key: string;
  readonly samples: readonly Sample[];
  readonly attemptOf: AttemptOf;
}

/** Returns the attempt that each sample selects when a tuning holds only this entry. */
export function attemptsOf(
  { key, samples, attemptOf }: Subject,
  entry: TuningEntry,
): readonly Attempt[] {
  const tuning = { version: 1, entries: { [key]: entry } } as const;
  return samples.map((sample) => {
    const attempt = attemptOf(sample, tuning);
    const isMet = Object.entries(attempt.tile).every(([name, x]) => entry[name] === x);
    // Without this check, the default could be timed and reported as the entry.
    if (!isMet) throw new Error(`tune: ${key} did not lead to its own entry: ${attempt.reason}`);
    return attempt;
  });
}

/** Runs and reads the results of all attempts. */
export async function results(attempts: readonly Attempt[]): Promise<Output[]> {
  const outputs: Output[] = [];
  for (const attempt of attempts) outputs.push(...(await attempt.read()));
  return outputs;
}

/** Compiles the kernels of each attempt; resolves to the milliseconds that took. */
export async function compile(
  { gpu }: Subject,
  attempts: readonly Attempt[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const start = performance.now();
  for (const attempt of attempts) await warmup(gpu, attempt.sources(), signal && { signal });
  return performance.now() - start;
}

/** An entry that compiled in time and agrees with the default, and so may be timed. */
export interface Contender {
  readonly entry: TuningEntry;
  readonly compileMs: number;
}

export interface ExamineOptions {
  readonly compileSeconds: number;
  readonly signal: AbortSignal | undefined;
}

// Errors that depend on the kernel, and so reject one candidate only; others end the tuning.
const FAILURES: readonly string[] = ['compile', 'gpu', 'limit'] satisfies ErrorCode[];

/** Compiles an entry's kernels and compares their results with the default's; a report says why it must not be timed. */
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
      // Rows of q are then rounded to as many bits as bf16 has.
      const dtype = entry['path'] === 'integers' ? 'bf16' : wanted[i]!.dtype;
      const reason = disagreement(values, wanted[i]!.values, dtype);
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

// Tolerance per dtype. Tiles differ in summation order, whose rounding is far below this; a wrong key's error is far above.
const LIMIT: Readonly<Record<FloatType, number>> = { f32: 2 ** -13, f16: 2 ** -8, bf16: 2 ** -5 };

/** @returns the first difference from the default's result that exceeds the tolerance, as text, or undefined */
export function disagreement(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  dtype: FloatType,
): string | undefined {
  let largest = 0;
  for (let i = 0; i < want.length; i++) largest = Math.max(largest, Math.abs(want[i]!));
  const limit = LIMIT[dtype] * Math.max(largest, 1e-3);
  for (let i = 0; i < want.length; i++) {
    // Negated, so that NaN counts as a disagreement.
    if (!(Math.abs(got[i]! - want[i]!) <= limit)) {
      return `element ${i} is ${got[i]}, the default gives ${want[i]}`;
    }
  }
  return undefined;
}
