import type { Gpu } from '@heed/core';

/** Runs one competitor; resolves to the milliseconds of a call. */
export type Lap = () => Promise<number>;

interface RaceOptions {
  readonly rounds: number;
  /** Time on the clock of `now`. Later rounds do not start after it; in the first round, only the first competitor may. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRound?: (round: number) => void;
  readonly now?: () => number;
}

/** Competitors slower than this factor times the best of the first round are dropped. */
export const DROP = 1.5;
// Up to this factor a second lap is timed, so that one slow moment of the machine does not drop a competitor.
const RETRY = 3;

/** The result of one competitor; `laps` is empty if there was no time. */
export interface Standing {
  readonly laps: readonly number[];
  readonly isDropped: boolean;
}

/**
 * Times competitors in interleaved rounds, so that all see the same load of the machine; the order rotates by one per round.
 * The first competitor is the baseline and is never dropped.
 */
export async function race(competitors: readonly Lap[], options: RaceOptions): Promise<Standing[]> {
  const { rounds, deadline, signal, onRound, now = () => performance.now() } = options;
  const laps: number[][] = competitors.map(() => []);
  const lost = new Set<number>();
  let field = competitors.map((_, i) => i);
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && now() >= deadline) break;
    onRound?.(round);
    for (let turn = 0; turn < field.length; turn++) {
      const i = field[(turn + round) % field.length]!;
      signal?.throwIfAborted();
      if (round === 0 && i > 0 && now() >= deadline) continue;
      laps[i]!.push(await competitors[i]!());
    }
    if (round > 0) continue;
    await drop(competitors, laps, lost);
    field = field.filter((i) => laps[i]!.length > 0 && !lost.has(i));
  }
  return laps.map((mine, i) => ({ laps: mine, isDropped: lost.has(i) }));
}

/** Drops competitors that were slow in the first round; those slower by at most `RETRY` get a second lap first. */
async function drop(
  competitors: readonly Lap[],
  laps: readonly number[][],
  lost: Set<number>,
): Promise<void> {
  const best = Math.min(...laps.flat());
  for (const [i, mine] of laps.entries()) {
    if (i === 0 || mine.length === 0) continue;
    if (mine[0]! > DROP * best && mine[0]! <= RETRY * best) {
      mine[0] = Math.min(mine[0]!, await competitors[i]!());
    }
    if (mine[0]! > DROP * best) lost.add(i);
  }
}

/** Returns the `p`-quantile, interpolated linearly between order statistics; 0.5 is the median. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at % 1);
}

/** Measures work on a Gpu. */
export interface Clock {
  readonly source: 'timestamp' | 'wall';
  /** Resolves to the milliseconds of one run of `fn`, which dispatches. */
  measure(fn: () => void): Promise<number>;
}

// A lap repeats a short call for this long, since browsers round time stamps to a tenth of a millisecond.
const LAP_MS = 10;
const MOST_REPEATS = 256;
// Repetitions of a short call, to separate its time from the time of a submit.
const PROBE = 16;

/** Returns a clock of GPU time stamps if the device has them and they resolve this work, else of wall time. */
export async function clockFor(gpu: Gpu, fn: () => void): Promise<Clock> {
  const first = await wallTime(gpu, fn, 1);
  const ms = first < LAP_MS ? await wallTime(gpu, fn, PROBE) : first;
  const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(LAP_MS / ms)));
  const stamped = gpu.capabilities.timestampQuery && (await stampedTime(gpu, fn, repeats)) > 0;
  const time = stamped ? stampedTime : wallTime;
  return { source: stamped ? 'timestamp' : 'wall', measure: (run) => time(gpu, run, repeats) };
}

async function stampedTime(gpu: Gpu, fn: () => void, repeats: number): Promise<number> {
  const { spans } = await gpu.profile(() => repeat(fn, repeats));
  return spans.reduce((sum, { ms }) => sum + ms, 0) / repeats;
}

async function wallTime(gpu: Gpu, fn: () => void, repeats: number): Promise<number> {
  await gpu.settled();
  const start = performance.now();
  gpu.batch(() => repeat(fn, repeats));
  await gpu.settled();
  return (performance.now() - start) / repeats;
}

function repeat(fn: () => void, times: number): void {
  for (let i = 0; i < times; i++) fn();
}
