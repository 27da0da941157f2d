import type { Gpu, Tuning, TuningEntry } from '@heed/core';
import { assertUsable, fail, readOptions, show } from '@heed/core/kernel';
import type { AttentionProblem } from '../plan/attention-problem.ts';
import { type AttemptOf, forwardAttempt, gradientAttempt, type TunedKernel } from './attempts.ts';
import { contest } from './contest.ts';
import { makeSample, type Sample, toTunable, type Tunable, tunableFacts } from './sample.ts';
import { candidatesOf, kernelsOf, type TuneCandidates } from './tile-candidates.ts';
import { tuneNames, type TuneOptions, type TuneReport } from './tune-options.ts';

/**
 * Times the kernels that this device can run for the given problems, and chooses for each the fastest whose result agrees with
 * the default's. Problems that differ only in facts that selection ignores (with a fixed `numSplits`: sizes) are tuned
 * together. With `backward`, the forward pass, dq, and dk with dv are tuned separately. All timed kernels stay cached with the
 * Gpu, so use a separate Gpu for tuning.
 *
 * @param problems shapes and options of typical calls, or results of `tunable()` of `@heed/flex` for calls with mods; each needs
 *   the memory of one such call
 * @returns plain JSON, for `openGpu({ tuning })`; to merge two tunings of one adapter, merge their `entries`
 * @throws ValidationError (as a rejection) an invalid problem, or one with nothing to compute
 * @throws UnsupportedError (as a rejection) gradients of quantised pages
 * @throws LimitError (as a rejection) tensors larger than one binding
 * @throws DeviceLostError (as a rejection); the reason of `signal` on abort
 * @example
 * const tuning = await tune(gpu, [problem], { seconds: 10 });
 * const tuned = await openGpu({ tuning: JSON.parse(JSON.stringify(tuning)) });
 */
export async function tune(
  gpu: Gpu,
  problems: readonly (AttentionProblem | Tunable)[],
  options: TuneOptions = {},
): Promise<Tuning> {
  assertUsable(gpu);
  const read = readOptions('tune', options, tuneNames);
  const { seconds = Infinity, signal, onReport } = read;
  const end = performance.now() + 1000 * seconds;
  const groups = groupByKey(gpu, problems, read.integers);
  const entries: Record<string, TuningEntry> = {};
  for (const [i, group] of groups.entries()) {
    signal?.throwIfAborted();
    const now = performance.now();
    const report =
      now < end
        ? await tuneGroup(gpu, group, {
            ...read,
            deadline: now + (end - now) / (groups.length - i),
          })
        : skipped(group);
    if (report.chosen) entries[report.key] = report.chosen;
    onReport?.(report);
  }
  const { vendor, architecture, device, description } = gpu.capabilities.adapter;
  return { version: 1, adapter: { vendor, architecture, device, description }, entries };
}

/** Problems that share a canonical name for one kernel, and so are tuned together. */
interface Group {
  readonly kernel: TunedKernel;
  readonly candidates: TuneCandidates;
  readonly problems: Tunable[];
}

function groupByKey(
  gpu: Gpu,
  problems: readonly (AttentionProblem | Tunable)[],
  integers?: boolean,
): Group[] {
  if (!Array.isArray(problems)) {
    fail('tune', 'problems must be a list', show(problems), 'Pass [problem, …].');
  }
  const groups = new Map<string, Group>();
  for (const given of problems) {
    const tunable = toTunable('tune', given);
    const facts = tunableFacts('tune', gpu, tunable);
    for (const kernel of kernelsOf(tunable.problem)) {
      const candidates = candidatesOf(facts, gpu.capabilities, kernel, integers);
      const group = groups.get(candidates.key);
      if (group) group.problems.push(tunable);
      else groups.set(candidates.key, { kernel, candidates, problems: [tunable] });
    }
  }
  return [...groups.values()];
}

const attempts: Readonly<Record<TunedKernel, AttemptOf>> = {
  forward: forwardAttempt,
  q: gradientAttempt('q'),
  kv: gradientAttempt('kv'),
};

async function tuneGroup(
  gpu: Gpu,
  { kernel, candidates, problems }: Group,
  {
    deadline,
    rounds = 7,
    compileSeconds = 20,
    filter = () => true,
    signal,
    onProgress,
  }: TuneOptions & { deadline: number },
): Promise<TuneReport> {
  const tiles = candidates.tiles.filter((tile, i) => i === 0 || filter({ ...tile }));
  const samples: Sample[] = [];
  try {
    for (const problem of problems) samples.push(makeSample(gpu, problem));
    return await contest(
      { gpu, key: candidates.key, samples, attemptOf: attempts[kernel] },
      { ...candidates, tiles },
      {
        deadline,
        rounds,
        compileSeconds,
        signal,
        onProgress: (label) => onProgress?.(label),
      },
    );
  } finally {
    for (const sample of samples) sample.dispose();
  }
}

function skipped({ candidates: { key, tiles } }: Group): TuneReport {
  const reason = 'no time left for this problem';
  return {
    key,
    candidates: tiles.map((tile) => ({ entry: { ...tile }, status: 'skipped', reason })),
  };
}
