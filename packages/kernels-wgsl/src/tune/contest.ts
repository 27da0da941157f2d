import type { TuningEntry } from '@heed/core';
import type { TileConfig } from '../text/tiles/tile-paths.ts';
import type { Output } from './attempts.ts';
import {
  attemptsOf,
  compile,
  type Contender,
  examine,
  type ExamineOptions,
  results,
  type Subject,
} from './contender.ts';
import { type Clock, clockFor, DROP, type Lap, quantile, race, type Standing } from './race.ts';
import type { TuneCandidates } from './tile-candidates.ts';
import type { CandidateReport, TuneReport } from './tune-options.ts';

// Largest time ratio to the default at which it is replaced; a smaller gain may be noise.
const WORTHWHILE = 0.97;
// Share of the remaining time for tiles, if splits are timed after them.
const TILE_SHARE = 0.7;

/** Times the tiles for one canonical problem, then key splits with the best tile. */
export async function contest(
  subject: Subject,
  { key, tiles, splits }: TuneCandidates,
  options: HeatOptions,
): Promise<TuneReport> {
  const { signal, deadline } = options;
  const [entry, ...others] = tiles.map(entryOf) as [TuningEntry, ...TuningEntry[]];
  options.onProgress(`${entryText(entry)} (the default)`);
  const attempts = attemptsOf(subject, entry);
  const favourite = { entry, compileMs: await compile(subject, attempts, signal) };
  const heat: Heat = {
    subject,
    favourite,
    wanted: await results(attempts),
    clocks: [],
  };
  for (const { run } of attempts) heat.clocks.push(await clockFor(subject.gpu, run));
  const until = splits.length > 0 ? share(deadline, TILE_SHARE) : deadline;
  const byTile = await runHeat(heat, others, { ...options, deadline: until });
  const split = splitEntries(subject, winner(byTile.reports), splits);
  const bySplits = split.length > 0 ? await runHeat(heat, split, options) : undefined;
  const candidates = [...byTile.reports, ...(bySplits?.reports.slice(1) ?? [])];
  return {
    key,
    source: sourceOf(heat.clocks),
    spread: Math.max(byTile.spread, bySplits?.spread ?? 1),
    candidates,
    chosen: winner(candidates),
  };
}

/** Returns `entry` with each split count that differs from its default one. */
function splitEntries(
  subject: Subject,
  entry: TuningEntry,
  splits: readonly number[],
): TuningEntry[] {
  const own = new Set(attemptsOf(subject, entry).map((attempt) => attempt.splits));
  return splits.filter((n) => own.size > 1 || !own.has(n)).map((n) => ({ ...entry, splits: n }));
}

/** Returns the fastest steady candidate of those timed to the end, or the default (the first) if the gain is too small. */
export function winner(candidates: readonly CandidateReport[]): TuningEntry {
  const timed = candidates.filter(({ status, isSteady }) => status === 'timed' && isSteady);
  const best = timed.reduce((a, b) => (b.ratio! < a.ratio! ? b : a), candidates[0]!);
  return best.ratio! <= WORTHWHILE ? best.entry : candidates[0]!.entry;
}

function entryOf(tile: TileConfig): TuningEntry {
  return { ...tile };
}

function sourceOf(clocks: readonly Clock[]): Clock['source'] {
  return clocks.every(({ source }) => source === 'timestamp') ? 'timestamp' : 'wall';
}

interface HeatOptions extends ExamineOptions {
  readonly rounds: number;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly onProgress: (label: string) => void;
}

// Share of the remaining time for compiling.
const COMPILE_SHARE = 0.6;
// Lower limit of a measured time: rounded time stamps may differ by 0.
const LEAST_MS = 1e-4;

/** The reference of one heat: the default's entry, its results and the clocks. */
interface Heat {
  readonly subject: Subject;
  readonly favourite: Contender;
  readonly wanted: readonly Output[];
  /** One per sample. */
  readonly clocks: Clock[];
}

interface HeatResult {
  /** One per entry; the default's is first. */
  readonly reports: readonly CandidateReport[];
  /** Ratio of the third to the first quartile of the default's laps. */
  readonly spread: number;
}

/** Examines entries, then times those that pass beside the default. */
async function runHeat(
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

/** Returns a lap that runs one call per sample. Its time is their geometric mean, which weights samples equally. */
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
  // Other work on the machine only lengthens laps, so a real gain must show in the shortest laps too.
  const isSteady = quantile(ratios, 0.75) <= 1 && Math.min(...laps) <= Math.min(...base);
  const ratio = quantile(ratios, 0.5);
  const timed = { entry, compileMs, ms: quantile(laps, 0.5), ratio, isSteady };
  if (!isDropped) return { ...timed, status: 'timed' };
  const reason = `over ${DROP} × the best of the first round`;
  return { ...timed, status: 'dropped', reason };
}

function entryText(entry: TuningEntry): string {
  return Object.entries(entry)
    .map(([name, value]) => (name === 'path' ? value : `${name}=${value}`))
    .join(' ');
}

/** Returns a deadline after the given fraction of the remaining time. */
function share(deadline: number, part: number): number {
  const now = performance.now();
  return now + (deadline - now) * part;
}
