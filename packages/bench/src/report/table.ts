import type { Report, RowResult, Skipped, Timed } from '../results.ts';
import { columns } from './columns.ts';

const heading = [
  '',
  'time / heed',
  'median ms',
  'min',
  'quartiles',
  'GFLOP/s',
  'first use',
  'max error',
  'call',
];

/** A report as text: one block for each row, the ratio of each program's time to heed's first. */
export function renderTable(report: Report): string {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  const head = [
    report.adapter,
    `${report.date.slice(0, 10)}, Node ${report.node}, ${versions.join(', ')}`,
  ];
  return [
    ...head,
    ...report.rows.flatMap((row) => ['', ...renderRow(row)]),
    '',
    ...notes(report.rows),
  ].join('\n');
}

function renderRow({ workload, flops, rounds, peers }: RowResult): string[] {
  const title = `${workload.title} (${workload.id}, ${(flops / 1e9).toFixed(2)} GFLOP, ${rounds} interleaved rounds)`;
  return [title, ...columns([heading, ...peers.map(cells)]).map((line) => `  ${line}`)];
}

function cells(result: Timed | Skipped): string[] {
  if ('skipped' in result) return [result.peer, '—', `did not run: ${result.skipped}`];
  const { peer, how, ratio, ms, gflops, firstUseMs, maxError, right } = result;
  return [
    peer,
    ratio === undefined ? '—' : `${ratio.median.toFixed(2)}×`,
    ms.median.toFixed(2),
    ms.min.toFixed(2),
    `${ms.q1.toFixed(2)}–${ms.q3.toFixed(2)}`,
    gflops.toFixed(2),
    `${(firstUseMs / 1000).toFixed(2)} s`,
    maxError.toExponential(1),
    right ? how : `WRONG RESULT: ${how}`,
  ];
}

/** A line for each wrong result, since a table cell is easily overlooked. */
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
