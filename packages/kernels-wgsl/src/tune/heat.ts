import type { TuningEntry } from '@heed/core';
import type { Clock } from './clock.ts';
import type { Output } from './attempt.ts';
import {
  attemptsOf,
  type Contender,
  examine,
  type ExamineOptions,
  type Subject,
} from './contender.ts';
import type { CandidateReport } from './options.ts';
import { DROP, type Lap, quantile, race, type Standing } from './race.ts';

export interface HeatOptions extends ExamineOptions {
  readonly rounds: number;
  /** Of `performance.now()`. */
  readonly deadline: number;
  readonly onProgress: (label: string) => void;
}

// Of the time that is left.
const COMPILE_SHARE = 0.6;
// Time stamps may be rounded to none at all.
const LEAST_MS = 1e-4;

/** What the entries of a heat are held against. */
export interface Heat {
  readonly subject: Subject;
  readonly favourite: Contender;
  readonly wanted: readonly Output[];
  /** One per sample. */
  readonly clocks: Clock[];
}

interface HeatResult {
  /** The default's first. */
  readonly reports: readonly CandidateReport[];
  /** Third over first quartile of the default's laps. */
  readonly spread: number;
}

/** Examines entries, then times those that pass beside the default. */
export async function runHeat(
  heat: Heat,
  entries: readonly TuningEntry[],
  options: HeatOptions,
): Promise<HeatResult> {
  const { subject, favourite, wanted } = heat;
  const { rounds, deadline, signal, onProgress } = options;
  const compileUntil = share(deadline, COMPILE_SHARE);
  const examined: (Contender | CandidateReport)[] = [favourite];
  for (const [i, entry] of entries.entries()) {
    signal?.throwIfAborted();
    if (performance.now() >= compileUntil) {
      examined.push({ entry, status: 'skipped', reason: 'no time left to compile it' });
      continue;
    }
    onProgress(`${i + 1}/${entries.length} ${entryText(entry)}`);
    examined.push(await examine(subject, entry, wanted, options));
  }
  const contenders = examined.filter((one): one is Contender => !('status' in one));
  const standings = await race(
    contenders.map(({ entry }) => lapOf(heat, entry)),
    { rounds, deadline, signal, onRound: (round) => onProgress(`round ${round + 1}`) },
  );
  const base = standings[0]!.laps;
  const reports = examined.map((one) => {
    if ('status' in one) return one;
    return reportOf(one, standings[contenders.indexOf(one)]!, base);
  });
  return { reports, spread: quantile(base, 0.75) / quantile(base, 0.25) };
}

/** One call of each sample; their geometric mean gives each the same weight. */
function lapOf({ subject, clocks }: Heat, entry: TuningEntry): Lap {
  const attempts = attemptsOf(subject, entry);
  return async () => {
    let logs = 0;
    for (const [i, attempt] of attempts.entries()) {
      const ms = await clocks[i]!.measure(attempt.run);
      logs += Math.log(Math.max(ms, LEAST_MS));
    }
    return Math.exp(logs / attempts.length);
  };
}

export function reportOf(
  { entry, compileMs }: Contender,
  { laps, isDropped }: Standing,
  base: readonly number[],
): CandidateReport {
  if (laps.length === 0) {
    return { entry, status: 'skipped', reason: 'no time left to run it', compileMs };
  }
  const ratios = laps.map((ms, round) => ms / base[round]!);
  // Other work on the machine only adds to a time: a gain that the best laps do not show is none.
  const isSteady = quantile(ratios, 0.75) <= 1 && Math.min(...laps) <= Math.min(...base);
  const ratio = quantile(ratios, 0.5);
  const timed = { entry, compileMs, ms: quantile(laps, 0.5), ratio, isSteady };
  if (!isDropped) return { ...timed, status: 'timed' };
  const reason = `over ${DROP} × the best of the first round`;
  return { ...timed, status: 'dropped', reason };
}

export function entryText(entry: TuningEntry): string {
  return Object.entries(entry)
    .map(([name, value]) => (name === 'path' ? value : `${name}=${value}`))
    .join(' ');
}

/** A deadline at a part of the time that is left. */
export function share(deadline: number, part: number): number {
  const now = performance.now();
  return now + (deadline - now) * part;
}
