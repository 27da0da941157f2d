import { UsageError } from '../runs/bench-options.ts';
import { roofMs } from '../measure/roofline.ts';
import type { Report } from '../measure/bench-results.ts';
import { columns } from './report-tables.ts';

/** A time in two runs, in units that do not depend on the speed of the machine on that day. */
export interface Change {
  readonly id: string;
  readonly name: string;
  readonly before: number;
  readonly now: number;
  /** Number of rounds of the run with fewer rounds. */
  readonly rounds: number;
  /** The unit of the numbers. */
  readonly unit: 'time / roof' | 'time / first' | 'time × arithmetic limit';
}

/** Changes by more than this factor are reported. */
const NOTABLE = 1.1;
// One slow moment of the machine moves a median of fewer rounds.
const FEW = 5;

/**
 * Compares heed in two runs: rows relative to the adapter's limits in the same run, calls relative to the first of their comparison.
 * @throws UsageError the runs are of different adapters, or only one of them was in a page
 */
export function changesSince(then: Report, now: Report): Change[] {
  if (then.adapter !== now.adapter) {
    throw new UsageError(
      `--compare: the stored run is of another adapter, ${then.adapter}; this one is ${now.adapter}. Measure both on one.`,
    );
  }
  const [was, is] = [then, now].map(({ browser }) => (browser ? 'in a page' : 'in Node'));
  if (was !== is) {
    throw new UsageError(
      `--compare: the stored run was made ${was}, this one ${is}. Give --baseline FILE of the same kind.`,
    );
  }
  const before = new Map(measured(then).map((one) => [`${one.id} ${one.name}`, one]));
  return measured(now).flatMap((one) => {
    const known = before.get(`${one.id} ${one.name}`);
    const { id, name, unit, value } = one;
    if (!known) return [];
    const rounds = Math.min(known.rounds, one.rounds);
    return [{ id, name, unit, rounds, before: known.value, now: value }];
  });
}

interface Measured extends Pick<Change, 'id' | 'name' | 'unit' | 'rounds'> {
  readonly value: number;
}

function measured({ rows, comparisons, limits }: Report): Measured[] {
  const ofRows = rows.flatMap(({ workload, flops, bytes, rounds, peers }) =>
    peers.flatMap((peer): Measured[] => {
      if (peer.peer !== 'heed' || !('ms' in peer)) return [];
      const value = peer.ms.median / roofMs(limits, flops, bytes);
      return [{ id: workload.id, name: 'heed', unit: 'time / roof', rounds, value }];
    }),
  );
  const ofComparisons = comparisons.flatMap(({ id, rounds, placed }) =>
    placed.map(({ name, ms, ratio }, i): Measured => {
      if (i > 0) return { id, name, unit: 'time / first', rounds, value: ratio.median };
      const value = (ms.median / 1000) * limits.gflops;
      return { id, name, unit: 'time × arithmetic limit', rounds, value };
    }),
  );
  return [...ofRows, ...ofComparisons];
}

/** Returns the rows and comparisons of the stored run that this run lacks. */
export function leftOut(then: Report, now: Report): string[] {
  const idsOf = ({ rows, comparisons }: Report): string[] => [
    ...rows.map(({ workload }) => workload.id),
    ...comparisons.map(({ id }) => id),
  ];
  const here = new Set(idsOf(now));
  return idsOf(then).filter((id) => !here.has(id));
}

/** Renders the notable changes as text, the worst first, and the rows that were not run again. */
export function renderChanges(
  changes: readonly Change[],
  since: string,
  missing: readonly string[] = [],
): string {
  const notable = changes
    .map((change) => ({ ...change, factor: change.now / change.before }))
    .filter(({ factor }) => factor > NOTABLE || factor < 1 / NOTABLE)
    .toSorted((a, b) => b.factor - a.factor);
  const rest = changes.length - notable.length;
  const cells = notable.map(({ id, name, before, now, unit, rounds, factor }) => [
    factor > 1 ? 'SLOWER' : 'faster',
    `${factor.toFixed(2)}×`,
    `${before.toFixed(2)} → ${now.toFixed(2)}`,
    unit,
    `${id}: ${name}${rounds < FEW ? ` (may be chance: ${rounds} rounds)` : ''}`,
  ]);
  return [
    `Since the run of ${since}: ${rest} of ${changes.length} times within 10 %${notable.length > 0 ? ', the others:' : ''}`,
    ...columns(cells).map((line) => `  ${line}`),
    ...(missing.length > 0
      ? [`Stored but not run now, so not compared: ${missing.join(', ')}.`]
      : []),
    '',
  ].join('\n');
}
