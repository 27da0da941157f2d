import type { Gpu, Tuning } from '@heed/core';
import { planAttention, tune, tuneCandidates, type TuneReport } from '@heed/kernels-wgsl';
import { openGpuHost, openHeed } from '../gpu-host.ts';
import type { RunContext } from '../run.ts';
import type { Options } from './options.ts';

/** What a run of the tuner came to. */
export interface TuneResult {
  readonly adapter: string;
  readonly tuning: Tuning;
  readonly reports: readonly TuneReport[];
  /** Of each canonical problem, the names it was asked for by. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Per name, what a plan says on a Gpu that was opened with the tuning. */
  readonly plans: Readonly<Record<string, string>>;
}

/** Opens the adapter as the benchmarks do. */
export async function openTuned(tuning?: Tuning): Promise<{ gpu: Gpu; adapter: string }> {
  const host = await openGpuHost();
  const gpu = await openHeed({ ...host, ...(tuning && { tuning }) }, 'tune');
  return { gpu, adapter: host.adapter };
}

/** Tunes, then opens the adapter again with what came of it. Rejects with the abort reason of `signal`. */
export async function runTune(
  { problems, seconds, rounds }: Pick<Options, 'problems' | 'seconds' | 'rounds'>,
  { signal, progress }: RunContext,
): Promise<TuneResult> {
  const opened = await openTuned();
  using gpu = opened.gpu;
  progress(`adapter: ${opened.adapter}`);
  const reports: TuneReport[] = [];
  const names: Record<string, string[]> = {};
  for (const [name, problem] of problems) {
    (names[tuneCandidates(gpu, problem).key] ??= []).push(name);
  }
  const tuning = await tune(gpu, [...problems.values()], {
    seconds,
    rounds,
    signal,
    onProgress: (label) => progress(label),
    onReport: (report) => {
      reports.push(report);
      progress(
        `${names[report.key]!.join(', ')}: ${JSON.stringify(report.chosen) ?? 'no time left'}`,
      );
    },
  });
  return {
    adapter: opened.adapter,
    tuning,
    reports,
    names,
    plans: await plansWith(tuning, problems),
  };
}

async function plansWith(
  tuning: Tuning,
  problems: Options['problems'],
): Promise<Record<string, string>> {
  const { gpu } = await openTuned(JSON.parse(JSON.stringify(tuning)) as Tuning);
  using tuned = gpu;
  return Object.fromEntries(
    [...problems].map(([name, problem]) => {
      using plan = planAttention(tuned, problem);
      return [name, plan.describe().split('\n')[0]!];
    }),
  );
}
