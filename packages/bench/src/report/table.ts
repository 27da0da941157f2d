import type { Tuning } from '@heed/core';
import type { Limits } from '../roofline/limits.ts';
import { roofMs } from '../roofline/roof.ts';
import type { Report, RowResult, Skipped, Timed } from '../results.ts';
import { columns } from './columns.ts';

const heading = [
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

/** A report as text: one block for each row, the ratio of each program's time to heed's first. */
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
    ...columns([heading, ...peers.map((peer) => cells(peer, roof))]).map((line) => `  ${line}`),
  ];
}

function cells(result: Timed | Skipped, roof: number): string[] {
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
