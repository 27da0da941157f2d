import type { Gpu, Tuning } from '@heed/core';
import { tune, type TuneCandidates, tuneCandidates, type TuneReport } from '@heed/kernels-wgsl';
import { openGpuHost, openHeed } from '../measure/gpu-host.ts';
import type { RunContext } from '../runs/run-bench.ts';
import { type Options, planOf, type Problems, problemsOf, toTune } from './tune-problems.ts';

/** The result of a run of the tuner. */
export interface TuneResult {
  readonly adapter: string;
  readonly tuning: Tuning;
  readonly reports: readonly TuneReport[];
  /** The given names of each canonical problem. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Per name, the description of a plan on a Gpu that was opened with the tuning. */
  readonly plans: Readonly<Record<string, string>>;
}

/** Opens the adapter as the benchmarks do. */
export async function openTuned(tuning?: Tuning): Promise<{ gpu: Gpu; adapter: string }> {
  const host = await openGpuHost();
  const gpu = await openHeed({ ...host, ...(tuning && { tuning }) }, 'tune');
  return { gpu, adapter: host.adapter };
}

type Asked = Pick<Options, 'problems' | 'module'>;

/** Returns the requested problems, by name. */
async function allProblems({ problems, module }: Asked, gpu: Gpu): Promise<Problems> {
  const own = module === undefined ? {} : await problemsOf(module, gpu);
  return { ...Object.fromEntries(problems), ...own };
}

/** Returns the candidates of each kernel, by the name of the problem. */
export async function listCandidates(
  asked: Asked,
  gpu: Gpu,
): Promise<[name: string, candidates: TuneCandidates][]> {
  const problems = await allProblems(asked, gpu);
  return Object.entries(problems).flatMap(([name, problem]) =>
    tuneCandidates(gpu, toTune(problem)).map((one): [string, TuneCandidates] => [name, one]),
  );
}

/** Tunes, then opens the adapter again with the result. Rejects with the abort reason of `signal`. */
export async function runTune(
  { seconds, rounds, ...asked }: Asked & Pick<Options, 'seconds' | 'rounds'>,
  { signal, progress }: RunContext,
): Promise<TuneResult> {
  const opened = await openTuned();
  using gpu = opened.gpu;
  progress(`adapter: ${opened.adapter}`);
  const reports: TuneReport[] = [];
  const names: Record<string, string[]> = {};
  for (const [name, { key }] of await listCandidates(asked, gpu)) (names[key] ??= []).push(name);
  const problems = Object.values(await allProblems(asked, gpu)).map(toTune);
  const tuning = await tune(gpu, problems, {
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
    plans: await plansWith(tuning, asked),
  };
}

async function plansWith(tuning: Tuning, asked: Asked): Promise<Record<string, string>> {
  const { gpu } = await openTuned(JSON.parse(JSON.stringify(tuning)) as Tuning);
  using tuned = gpu;
  const problems = await allProblems(asked, tuned);
  return Object.fromEntries(
    Object.entries(problems).map(([name, problem]) => [name, reasonsOf(tuned, problem)]),
  );
}

/** Returns a line for the forward pass, and one per gradient. */
function reasonsOf(gpu: Gpu, problem: Problems[string]): string {
  const plan = planOf(gpu, problem);
  const lines = plan.describe().split('\n');
  plan.dispose();
  return lines.slice(0, problem.backward ? 3 : 1).join('\n  ');
}
