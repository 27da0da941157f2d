const COLUMNS = ['tier', 'adapter', 'passed', 'failed', 'skipped', 'seconds', 'pipelines'];

/** What a tier's report and exit status amount to: one that broke down, or ran nothing, has failed. */
export function tierCounts(report = { passed: 0, failed: 0, skipped: 0 }, code) {
  const broken = report.failed === 0 && (code !== 0 || report.passed === 0);
  return broken ? { ...report, failed: 1 } : report;
}

/** The table and, alone on the last line, the totals. */
export function summaryText(rows) {
  const table = [COLUMNS, ...rows.map(cells)];
  const widths = COLUMNS.map((_, c) => Math.max(...table.map((row) => row[c].length)));
  const lines = table.map((row) =>
    row
      .map((cell, c) => cell.padEnd(widths[c]))
      .join('  ')
      .trimEnd(),
  );
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  return [
    ...lines,
    '',
    `${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`,
  ].join('\n');
}

/** Prints the summary; gives the exit status. */
export function printSummary(rows) {
  console.log(`\n${summaryText(rows)}`);
  return rows.every((row) => row.failed === 0) ? 0 : 1;
}

function cells({ name, adapter = '', passed, failed, skipped, seconds, pipelines, reason }) {
  if (reason)
    return [
      name,
      reason.split('\n')[0],
      '',
      ...[failed, skipped].map((n) => (n ? String(n) : '')),
      '',
      '',
    ];
  return [
    name,
    adapter,
    ...[passed, failed, skipped].map(String),
    seconds.toFixed(1),
    pipelines ? String(pipelines) : '',
  ];
}
