import type { TuningEntry } from '@heed/core';
import type { TileConfig } from '../tiles/tile.ts';
import type { TuneCandidates } from './candidates.ts';
import { type Clock, clockFor } from './clock.ts';
import { attemptsOf, compile, results, type Subject } from './contender.ts';
import { entryText, type Heat, type HeatOptions, runHeat, share } from './heat.ts';
import type { CandidateReport, TuneReport } from './options.ts';

// A gain below this may be noise: the default stays.
const WORTHWHILE = 0.97;
// Of the time that is left, where splits are to follow.
const TILE_SHARE = 0.7;

/** Tries the tiles for one canonical problem, then splits with the best of them. */
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

/** An entry with other splits than it has by itself. */
function splitEntries(
  subject: Subject,
  entry: TuningEntry,
  splits: readonly number[],
): TuningEntry[] {
  const own = new Set(attemptsOf(subject, entry).map((attempt) => attempt.splits));
  return splits.filter((n) => own.size > 1 || !own.has(n)).map((n) => ({ ...entry, splits: n }));
}

/** The fastest of those that were timed to the end, if the gain over the default (the first) is worth it. */
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
