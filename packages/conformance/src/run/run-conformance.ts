import type { Capabilities, Gpu } from '@heed/core';
import { kernelCount, type NamesOf, poisonMemory, readOptions } from '@heed/core/kernel';
import type { CaseReport, CaseResult, RunnableCase } from '../cases/shared/case.ts';
import { recordOutputs } from '../problems/output-hashes.ts';
import { casesOf, meantRun, type Selection, selectionNames } from './select-cases.ts';

/** The state of a run after a case. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly last: CaseReport;
}

/** Selects the cases of a run, and observes it. */
export interface RunOptions extends Selection {
  /** Called after each case. */
  readonly onProgress?: (progress: Progress) => void;
  /** Aborts the run between two cases. */
  readonly signal?: AbortSignal;
}

export const runNames: NamesOf<RunOptions> = { ...selectionNames, onProgress: 1, signal: 1 };

/** The result of a run, as plain JSON. */
export interface ConformanceReport {
  readonly capabilities: Capabilities;
  readonly counts: { readonly pass: number; readonly fail: number; readonly unsupported: number };
  /** Distinct pipelines that the device has made by the end of the run. */
  readonly pipelines: number;
  readonly ms: number;
  readonly cases: readonly CaseReport[];
}

/**
 * Runs conformance cases on a GPU, one after the other, in Node or in a browser.
 *
 * A case that throws fails, and its report holds the error. Only a case that declares what it needs of a device can be
 * 'unsupported'. Rejects with `signal.reason` on abort, between two cases.
 *
 * @example
 * const report = await runConformance(await openGpu(), { filter: 'seqused', onProgress: ({ last }) => console.log(last.id, last.status) });
 * if (report.counts.fail > 0) throw new Error('this adapter computes attention wrongly');
 */
export async function runConformance(gpu: Gpu, options?: RunOptions): Promise<ConformanceReport> {
  const given = readOptions('runConformance', options, runNames, meantRun);
  const { onProgress, signal, ...selection } = given;
  const selected = casesOf(selection);
  const started = performance.now();
  const cases: CaseReport[] = [];
  for (const next of selected) {
    signal?.throwIfAborted();
    const last = await runCase(gpu, next, signal);
    cases.push(last);
    onProgress?.({ done: cases.length, total: selected.length, last });
  }
  return {
    capabilities: gpu.capabilities,
    counts: countsOf(cases),
    pipelines: kernelCount(gpu),
    ms: performance.now() - started,
    cases,
  };
}

/** Counts cases by status. */
export function countsOf(cases: readonly CaseReport[]): ConformanceReport['counts'] {
  const count = (status: CaseReport['status']): number =>
    cases.filter((c) => c.status === status).length;
  return { pass: count('pass'), fail: count('fail'), unsupported: count('unsupported') };
}

/**
 * Runs one case. An exception is a failure; an abort rejects. While the case runs, memory that heed allocates is filled with NaN
 * or an implausible number, so that no element is right by chance.
 */
export async function runCase(
  gpu: Gpu,
  { id, run }: RunnableCase,
  signal?: AbortSignal,
): Promise<CaseReport> {
  const started = performance.now();
  const heal = poisonMemory(gpu);
  const recording = recordOutputs(gpu);
  const report = (result: CaseResult): CaseReport => {
    const outputs = recording.hashes();
    return {
      id,
      ms: performance.now() - started,
      ...result,
      ...(Object.keys(outputs).length > 0 && { outputs }),
    };
  };
  try {
    return report(await run(gpu, signal));
  } catch (error) {
    signal?.throwIfAborted();
    return report({
      status: 'fail',
      report: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  } finally {
    recording.stop();
    heal();
  }
}
