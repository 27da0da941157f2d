import type { ComparisonResult, Placed } from '../comparisons/comparison.ts';
import { columns } from './columns.ts';

const heading = [
  '',
  'time / first',
  'promised',
  'median ms',
  'min',
  'quartiles',
  'first use',
  'max error',
  'call',
];

/** The comparisons as text: one block each, times as multiples of the first one's. */
export function renderComparisons(results: readonly ComparisonResult[]): string {
  return results.flatMap(renderComparison).join('\n');
}

function renderComparison({ id, title, rounds, placed, skipped }: ComparisonResult): string[] {
  const rows = [
    heading,
    ...placed.map(cells),
    ...skipped.map(({ name, reason }) => [name, '—', `did not run: ${reason}`]),
  ];
  return [
    '',
    `${title} (${id}, ${rounds} interleaved rounds)`,
    ...columns(rows).map((line) => `  ${line}`),
  ];
}

function cells(placed: Placed): string[] {
  const { name, how, ratio, ms, firstUseMs, distance } = placed;
  return [
    name,
    `${ratio.median.toFixed(3)}×`,
    promised(placed),
    ms.median.toFixed(2),
    ms.min.toFixed(2),
    `${ms.q1.toFixed(2)}–${ms.q3.toFixed(2)}`,
    `${(firstUseMs / 1000).toFixed(2)} s`,
    distance?.maxError.toExponential(1) ?? '—',
    isWrong({ distance }) ? `WRONG RESULT: ${how}` : how,
  ];
}

/** What is promised, and whether it is kept. */
export function promised({ atMost, atLeast, atMostMs, ratio, ms }: Placed): string {
  const mark = (isKept: boolean): string => (isKept ? '✓' : '✗');
  if (atMost !== undefined) return `≤ ${atMost.toFixed(3)} ${mark(ratio.median <= atMost)}`;
  if (atLeast !== undefined) return `≥ ${atLeast.toFixed(3)} ${mark(ratio.median >= atLeast)}`;
  return atMostMs === undefined ? '' : `≤ ${atMostMs.toFixed(1)} ms ${mark(ms.median <= atMostMs)}`;
}

/** Whether an output was checked and found off. */
export function isWrong({
  distance,
}: {
  readonly distance?: Placed['distance'] | undefined;
}): boolean {
  return distance !== undefined && !(distance.maxError <= distance.limit);
}
