import { Rng } from '@heed/testing/rng';
import { runCell, type CellOptions, type CellRun, type Fault } from '../cell/cell.ts';
import type { Dispatcher } from '../cell/dispatcher.ts';
import type { Trace } from '../trace/trace.ts';
import { runFigures, type RunFigures } from './run-figures.ts';

/** A run with its figures, by the name that tables and pictures show. */
export interface StudyRun {
  readonly figures: RunFigures;
  readonly run: CellRun;
}

export type CellSize = Omit<CellOptions, 'dispatcher' | 'faults'>;

/** Runs the same trace in the same cell once under each dispatcher. */
export function comparePolicies(
  trace: Trace,
  size: CellSize,
  dispatchers: readonly Dispatcher[],
  onRun: (name: string) => void = () => {},
): StudyRun[] {
  return dispatchers.map((dispatcher) => {
    onRun(dispatcher.name);
    const run = runCell(trace, { ...size, dispatcher });
    return { run, figures: runFigures(dispatcher.name, size.workers, run) };
  });
}

/** A worker is lost a third of the way through a trace, and the store, for two minutes, halfway. */
export function usualFaults(trace: Trace): Fault[] {
  const end = trace.requests.at(-1)?.at ?? 0;
  return [
    { at: end / 3, kind: 'worker', worker: 0, seconds: 60 },
    { at: end / 2, kind: 'store', seconds: 120 },
  ];
}

/** Returns what workers tell of their speed, as a multiple of the true one: off by up to `error`, each by its own. */
export function rateErrors(workers: number, error: number, seed = 1): (worker: number) => number {
  const rng = new Rng(seed);
  const factors = Array.from({ length: workers }, () => 1 + error * (2 * rng.next() - 1));
  return (worker) => factors[worker]!;
}
