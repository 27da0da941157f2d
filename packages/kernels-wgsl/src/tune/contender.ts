import { type ErrorCode, type Gpu, HeedError, type Tensor, type TuningEntry } from '@heed/core';
import { elementCount } from '@heed/core/kernel';
import { factsOfCall } from '../plan/problem.ts';
import { select, type Selection } from '../plan/select.ts';
import { planSources } from '../plan/sources.ts';
import { warmup } from '../plan/warmup.ts';
import { outShape, runForward } from '../run/forward.ts';
import { recorderTarget } from '../run/target.ts';
import { disagreement } from './agree.ts';
import type { CandidateReport } from './options.ts';
import type { Sample } from './sample.ts';

/** What the candidates of one canonical problem are tried on. */
export interface Subject {
  readonly gpu: Gpu;
  readonly key: string;
  readonly samples: readonly Sample[];
}

/** An entry, as a call would meet it in a tuning: the selection for each sample. */
export function selectionsOf({ gpu, key, samples }: Subject, entry: TuningEntry): Selection[] {
  const tuning = { version: 1, entries: { [key]: entry } } as const;
  return samples.map(({ call }) => {
    const selection = select(factsOfCall(call), gpu.capabilities, tuning);
    const isMet = Object.entries(selection.config.tile).every(([name, x]) => entry[name] === x);
    // Else the default would be timed in the entry's name.
    if (!isMet) throw new Error(`tune: ${key} did not lead to its own entry: ${selection.reason}`);
    return selection;
  });
}

/** One call of a sample, into its own `out`. */
export function runSample({ call }: Sample, selection: Selection): void {
  const { lse } = runForward(call, selection, recorderTarget(call.gpu));
  lse?.dispose();
}

/** The result of each sample, in memory that held none before. */
export async function results(
  { gpu, samples }: Subject,
  selections: readonly Selection[],
): Promise<ArrayLike<number>[]> {
  const read: ArrayLike<number>[] = [];
  for (const [i, { call }] of samples.entries()) {
    const shape = outShape(call);
    // What a kernel leaves out must not look like what another one left there.
    const blank = new Float32Array(elementCount(shape)).fill(NaN);
    const out: Tensor = gpu.tensor(blank, { shape, dtype: call.dtype });
    try {
      const into = { ...call, options: { ...call.options, out } };
      runForward(into, selections[i]!, recorderTarget(gpu)).lse?.dispose();
      read.push(await out.read());
    } finally {
      out.dispose();
    }
  }
  return read;
}

/** Compiles the kernels of each sample; resolves to the milliseconds that it took. */
export async function compile(
  { gpu, samples }: Subject,
  selections: readonly Selection[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const start = performance.now();
  for (const [i, { problem }] of samples.entries()) {
    const sources = planSources(problem, selections[i]!, !gpu.capabilities.f16);
    await warmup(gpu, sources, signal && { signal });
  }
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
  wanted: readonly ArrayLike<number>[],
  { compileSeconds, signal }: ExamineOptions,
): Promise<Contender | CandidateReport> {
  try {
    const selections = selectionsOf(subject, entry);
    const compileMs = await compile(subject, selections, signal);
    const got = await results(subject, selections);
    for (const [i, { call }] of subject.samples.entries()) {
      const reason = disagreement(got[i]!, wanted[i]!, call.dtype);
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
