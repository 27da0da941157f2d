import type { TuningEntry } from '@heed/core';
import type { CandidateReport, TuneCandidates, TuneReport } from '@heed/kernels-wgsl';
import { columns } from '../report/report-tables.ts';

const heading = ['', 'time / default', 'ms', 'first use', ''];

// The spread on a quiet machine is below this.
const BUSY = 1.2;

/** Renders the results of the candidates for one problem as text, the fastest first. */
export function renderReport(report: TuneReport, names: readonly string[]): string {
  const { key, source, spread = 1, candidates, chosen } = report;
  const clock = { timestamp: 'time on the GPU', wall: 'wall time' } as const;
  const title = `${names.join(', ')}${source ? ` (${clock[source]})` : ''}`;
  const rows = candidates
    .toSorted((a, b) => (a.ratio ?? Infinity) - (b.ratio ?? Infinity))
    .map((one) => cells(one, candidates[0]!, chosen));
  const busy = `  BUSY MACHINE: the default's own time varied by ${spread.toFixed(2)}×; tune again when it is idle.`;
  return [
    title,
    key,
    ...columns([heading, ...rows]).map((line) => `  ${line.trimEnd()}`),
    ...(spread > BUSY ? [busy] : []),
    '',
  ].join('\n');
}

function cells(
  one: CandidateReport,
  first: CandidateReport,
  chosen: TuningEntry | undefined,
): string[] {
  const { entry, status, reason, ratio, isSteady, ms, compileMs } = one;
  const notes = [
    isSame(entry, chosen) && 'chosen',
    one === first && 'the default',
    status === 'timed' && ratio! < 1 && !isSteady && 'not steady',
    status !== 'timed' && `${status === 'wrong' ? 'WRONG' : status}: ${reason}`,
  ];
  return [
    entryText(entry),
    ratio === undefined ? '—' : `${ratio.toFixed(3)}×`,
    ms === undefined ? '—' : ms.toFixed(3),
    compileMs === undefined ? '—' : `${(compileMs / 1000).toFixed(2)} s`,
    notes.filter((note) => note !== false).join(', '),
  ];
}

/** Renders the candidates for one problem as text. */
export function renderCandidates(name: string, candidates: TuneCandidates): string {
  const { key, tiles, splits, refused } = candidates;
  return [
    name,
    key,
    ...tiles.map((tile, i) => `  ${entryText({ ...tile })}${i === 0 ? '  the default' : ''}`),
    ...(splits.length > 0 ? [`  then the best of them with splits=${splits.join(', ')}`] : []),
    ...refused.map(({ tile, reason }) => `  not ${entryText({ ...tile })}: ${reason}`),
    '',
  ].join('\n');
}

function isSame(a: TuningEntry, b: TuningEntry | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function entryText({ path, ...rest }: TuningEntry): string {
  return [path, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(' ');
}
