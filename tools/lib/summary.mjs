import { tableText } from './tool.mjs';

const COLUMNS = [
  'tier',
  'adapter',
  'passed',
  'failed',
  'skipped',
  'left',
  'wall s',
  'CPU s',
  'pipelines',
];

/** How far above its budget a tier's processor time may be before the summary says so. */
const TOLERANCE = 1.2;

/** What a tier's report and exit status amount to: one that broke down, or had nothing to run, has failed. */
export function tierCounts(report = { passed: 0, failed: 0, skipped: 0 }, code) {
  const broken = report.failed === 0 && (code !== 0 || (report.passed === 0 && !report.left));
  return broken ? { ...report, failed: 1 } : report;
}

/** The table, what it took in all, which budgets were not held and, alone on the last line, the totals. */
export function summaryText(rows, { seconds, cores } = {}) {
  const sum = (key) => rows.reduce((total, row) => total + (row[key] ?? 0), 0);
  return [
    tableText([COLUMNS, ...rows.map(cells)]),
    '',
    ...timeLine(seconds, sum('cpuSeconds'), cores),
    ...rows.filter(isOver).map(overLine),
    `${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`,
  ].join('\n');
}

/** Prints the summary; gives the exit status. */
export function printSummary(rows, time) {
  console.log(`\n${summaryText(rows, time)}`);
  return rows.every((row) => row.failed === 0) ? 0 : 1;
}

function timeLine(seconds, cpuSeconds, cores) {
  if (seconds === undefined) return [];
  const minutes = (s) => `${(s / 60).toFixed(1)} min`;
  const least =
    cpuSeconds > 0 ? `; ${minutes(cpuSeconds)} of processor time on ${cores} cores` : '';
  return [`${minutes(seconds)}${least}`];
}

const isOver = ({ budget, cpuSeconds }) => budget !== undefined && cpuSeconds > TOLERANCE * budget;

const overLine = ({ name, budget, cpuSeconds }) =>
  `over budget: ${name} took ${cpuSeconds.toFixed(0)} s of processor time, not ${budget} s`;

function cells({ name, adapter = '', reason, ...row }) {
  if (reason) {
    const counts = [row.failed, row.skipped].map((n) => (n ? String(n) : ''));
    return [name, reason.split('\n')[0], '', ...counts, '', '', '', ''];
  }
  const number = (x, digits = 0) => (x === undefined ? '' : x.toFixed(digits));
  const ofBudget = row.budget === undefined ? '' : ` of ${row.budget}`;
  return [
    name,
    adapter,
    ...[row.passed, row.failed, row.skipped].map((x) => number(x)),
    row.left ? String(row.left) : '',
    number(row.seconds, 1),
    row.cpuSeconds === undefined ? '' : `${number(row.cpuSeconds)}${ofBudget}`,
    row.pipelines ? String(row.pipelines) : '',
  ];
}
