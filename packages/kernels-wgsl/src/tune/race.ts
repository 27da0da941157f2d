import type { Gpu } from '@heed/core';

/** One competitor: resolves to the milliseconds of a call. */
export type Lap = () => Promise<number>;

interface RaceOptions {
  readonly rounds: number;
  /** Of `now`: no round begins after it, and the first leaves out who has not begun, but for the first competitor. */
  readonly deadline: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRound?: (round: number) => void;
  readonly now?: () => number;
}

/** Slower than this times the best of the first round is out. */
export const DROP = 1.5;
// Not so much slower that a second lap is sure to say the same: one slow moment of the machine puts nobody out.
const RETRY = 3;

/** How one competitor did; no laps if there was no time. */
export interface Standing {
  readonly laps: readonly number[];
  readonly isDropped: boolean;
}

/**
 * Runs competitors in turn, round after round, so that all meet the same machine; the order turns by one place a round. The
 * first competitor is what the others are measured by: it stays in.
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

/** Puts out who was slow in the first round, and after a close miss in a second lap too. */
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

/** Linear between order statistics; 0.5 is the median. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at % 1);
}

/** Measures work on a Gpu. */
export interface Clock {
  readonly source: 'timestamp' | 'wall';
  /** Milliseconds of one run of `fn`, which dispatches. */
  measure(fn: () => void): Promise<number>;
}

// A lap of a short call repeats it until this time is full: time stamps are rounded, to a tenth of a millisecond in browsers.
const LAP_MS = 10;
const MOST_REPEATS = 256;
// Of a short call, to tell its time from that of a submit.
const PROBE = 16;

/** The device's time stamps, where it has any that tell this work from none; else wall time. */
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
