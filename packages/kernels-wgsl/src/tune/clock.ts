import type { Gpu } from '@heed/core';

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
