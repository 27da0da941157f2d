import type { Tuning } from '@heed/core';
import type {
  ComparisonResult,
  Placed,
  Report,
  RowResult,
  Skipped,
  Timed,
} from '../measure/bench-results.ts';
import { type Limits, roofMs } from '../measure/roofline.ts';

/**
 * Aligns rows of cells in columns: the first to the left, the others to the right. The last cell of a row widens no column.
 */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, c) =>
    Math.max(0, ...rows.filter((row) => c < row.length - 1).map((row) => row[c]?.length ?? 0)),
  );
  const place = (cell: string, c: number, row: readonly string[]): string => {
    if (c === row.length - 1) return cell;
    return c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0);
  };
  return rows.map((row) => row.map((cell, c) => place(cell, c, row)).join('  '));
}

const rowHeading = [
  '',
  'time / heed',
  'median ms',
  'min',
  'quartiles',
  'GFLOP/s',
  'of roof',
  'first use',
  'max error',
  'call',
];

/** Renders a report as text: one block per row; the first column is the ratio of each program's time to heed's. */
export function renderTable(report: Report): string {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  const { gflops, gigabytes } = report.limits;
  const head = [
    report.adapter,
    `measured limits: ${gflops.toFixed(1)} GFLOP/s of f32 multiply-adds, ${gigabytes.toFixed(1)} GB/s of copying`,
    `${report.date.slice(0, 10)}, ${report.browser ?? `Node ${report.node}`}, ${versions.join(', ')}`,
    ...(report.tuning ? [`heed tuned for ${entryCount(report.tuning)} problems`] : []),
  ];
  return [
    ...head,
    ...report.rows.flatMap((row) => ['', ...renderRow(row, report.limits)]),
    '',
    ...notes(report.rows),
  ].join('\n');
}

function entryCount({ entries = {} }: Tuning): number {
  return Object.keys(entries).length;
}

function renderRow({ workload, flops, bytes, rounds, peers }: RowResult, limits: Limits): string[] {
  const roof = roofMs(limits, flops, bytes);
  const title = `${workload.title} (${workload.id}, ${(flops / 1e9).toFixed(2)} GFLOP, ${(bytes / 1e6).toFixed(1)} MB, ${rounds} interleaved rounds)`;
  return [
    title,
    ...columns([rowHeading, ...peers.map((peer) => rowCells(peer, roof))]).map(
      (line) => `  ${line}`,
    ),
  ];
}

function rowCells(result: Timed | Skipped, roof: number): string[] {
  if ('skipped' in result) return [result.peer, '—', `did not run: ${result.skipped}`];
  const { peer, how, ratio, ms, gflops, firstUseMs, maxError, right } = result;
  return [
    peer,
    ratio === undefined ? '—' : `${ratio.median.toFixed(2)}×`,
    ms.median.toFixed(2),
    ms.min.toFixed(2),
    `${ms.q1.toFixed(2)}–${ms.q3.toFixed(2)}`,
    gflops.toFixed(2),
    `${((100 * roof) / ms.median).toFixed(0)} %`,
    `${(firstUseMs / 1000).toFixed(2)} s`,
    maxError.toExponential(1),
    right ? how : `WRONG RESULT: ${how}`,
  ];
}

/** Returns a line per wrong result, since a table cell is easily overlooked. */
function notes(rows: readonly RowResult[]): string[] {
  return rows.flatMap(({ workload, peers }) =>
    peers
      .filter((result): result is Timed => 'right' in result && !result.right)
      .map(
        ({ peer, maxError, limit }) =>
          `${workload.id}: ${peer}'s result is wrong: max error ${maxError.toExponential(1)} > ${limit.toExponential(1)}; its time is that of a wrong result.`,
      ),
  );
}

const comparisonHeading = [
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

/** Renders the comparisons as text: one block each, with times as multiples of the first one's. */
export function renderComparisons(results: readonly ComparisonResult[]): string {
  return results.flatMap(renderComparison).join('\n');
}

function renderComparison({ id, title, rounds, placed, skipped }: ComparisonResult): string[] {
  const rows = [
    comparisonHeading,
    ...placed.map(comparisonCells),
    ...skipped.map(({ name, reason }) => [name, '—', `did not run: ${reason}`]),
  ];
  return [
    '',
    `${title} (${id}, ${rounds} interleaved rounds)`,
    ...columns(rows).map((line) => `  ${line}`),
  ];
}

function comparisonCells(placed: Placed): string[] {
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

/** Renders the target of a contestant, and whether it is met. */
export function promised({ atMost, atLeast, atMostMs, ratio, ms }: Placed): string {
  const mark = (isKept: boolean): string => (isKept ? '✓' : '✗');
  if (atMost !== undefined) return `≤ ${atMost.toFixed(3)} ${mark(ratio.median <= atMost)}`;
  if (atLeast !== undefined) return `≥ ${atLeast.toFixed(3)} ${mark(ratio.median >= atLeast)}`;
  return atMostMs === undefined ? '' : `≤ ${atMostMs.toFixed(1)} ms ${mark(ms.median <= atMostMs)}`;
}

/** True if an output was checked and is wrong. */
export function isWrong({
  distance,
}: {
  readonly distance?: Placed['distance'] | undefined;
}): boolean {
  return distance !== undefined && !(distance.maxError <= distance.limit);
}
