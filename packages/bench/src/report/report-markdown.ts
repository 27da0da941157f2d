import type {
  ComparisonResult,
  Report,
  RowResult,
  Skipped,
  Timed,
} from '../measure/bench-results.ts';
import { roofMs } from '../measure/roofline.ts';
import { isWrong, promised } from './report-tables.ts';

/** Renders a report as Markdown: a table of the rows, and one of the comparisons. */
export function renderMarkdown(report: Report): string {
  const { adapter, browser, node, date, versions, rows, comparisons } = report;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const place = browser ?? `Node ${node}`;
  return [
    `${escaped(adapter)}; ${place}; ${programs.join(', ')}; ${date.slice(0, 10)}.`,
    '',
    ...(rows.length > 0 ? rowTable(report) : []),
    ...(comparisons.length > 0 ? comparisonTable(comparisons) : []),
  ].join('\n');
}

function rowTable({ rows, versions, limits }: Report): string[] {
  const others = Object.keys(versions).filter((name) => name !== 'heed');
  return [
    'Median of (its time / heed’s time in the same round); above 1, heed is faster. ✗ marks a wrong result, timed all the same.',
    '',
    line(['work', 'heed', 'GFLOP/s', 'of roof', 'first use', ...others]),
    line(Array.from({ length: 5 + others.length }, () => '---')),
    ...rows.map((row) =>
      line([
        row.workload.title,
        ...heedCells(row, limits),
        ...others.map((name) => ratioOf(row, name)),
      ]),
    ),
    '',
  ];
}

const resultOf = ({ peers }: RowResult, name: string): Timed | Skipped | undefined =>
  peers.find(({ peer }) => peer === name);

function heedCells(row: RowResult, limits: Report['limits']): string[] {
  const heed = resultOf(row, 'heed');
  if (heed === undefined || 'skipped' in heed) return ['—', '—', '—', '—'];
  const { ms, gflops, firstUseMs, right } = heed;
  const share = (100 * roofMs(limits, row.flops, row.bytes)) / ms.median;
  const time = `${short(ms.median)} ms${right ? '' : ' ✗'}`;
  return [time, short(gflops), `${share.toFixed(0)} %`, `${(firstUseMs / 1000).toFixed(1)} s`];
}

function ratioOf(row: RowResult, name: string): string {
  const result = resultOf(row, name);
  if (result === undefined) return '—';
  if ('skipped' in result) return result.skipped;
  const { ratio, ms, right } = result;
  const text = ratio ? `${short(ratio.median)}×` : `${short(ms.median)} ms`;
  return right ? text : `${text} ✗`;
}

function comparisonTable(comparisons: readonly ComparisonResult[]): string[] {
  return [
    line(['work', 'call', 'time / first', 'promised', 'median']),
    line(['---', '---', '---', '---', '---']),
    ...comparisons.flatMap(({ title, placed }) =>
      placed.map((one, i) =>
        line([
          i === 0 ? title : '',
          `${one.name}${isWrong(one) ? ' ✗' : ''}`,
          i === 0 ? '1' : one.ratio.median.toFixed(3),
          promised(one),
          `${short(one.ms.median)} ms`,
        ]),
      ),
    ),
    '',
  ];
}

// Three digits, without an exponent.
const short = (value: number): string => (value < 100 ? value.toPrecision(3) : value.toFixed(0));

const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
