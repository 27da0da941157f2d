import type { CaseReport, ConformanceReport } from '@heed/conformance';
import type { Ending } from './conformance-run.ts';

/** The parts of a bug report. */
interface ReportParts {
  readonly browser: string;
  readonly selection: string;
  readonly capabilities: ConformanceReport['capabilities'] | undefined;
  readonly ending: string;
  readonly reports: readonly CaseReport[];
}

const MOST_FAILURES = 20;

/** Returns a report in Markdown: browser, adapter, counts, the canary, and the first failures with their tables. */
export function reportText({
  browser,
  selection,
  capabilities,
  ending,
  reports,
}: ReportParts): string {
  const failed = reports.filter(({ status }) => status === 'fail');
  const count = (status: CaseReport['status']): number =>
    reports.filter((report) => report.status === status).length;
  const canary = reports.find(({ id }) => id.startsWith('canary/'));
  return [
    '## heed conformance',
    '',
    `- browser: ${browser}`,
    `- cases: ${selection}. ${ending} ${count('pass')} pass, ${count('fail')} fail, ${count('unsupported')} unsupported`,
    ...(canary?.report ? [`- canary: ${canary.report.replaceAll('\n', ' ')}`] : []),
    '',
    ...failed
      .slice(0, MOST_FAILURES)
      .flatMap(({ id, report }) => [`### ${id}`, '', '```', report ?? '', '```', '']),
    ...(failed.length > MOST_FAILURES
      ? [`and ${failed.length - MOST_FAILURES} more failures`, '']
      : []),
    ...(capabilities
      ? [
          '<details><summary>capabilities</summary>',
          '',
          '```json',
          JSON.stringify(capabilities, null, 1),
          '```',
          '',
          '</details>',
          '',
        ]
      : []),
  ].join('\n');
}

/** Returns a sentence that says how a run ended. */
export function endingText(ending: Ending, reports: readonly CaseReport[], total: number): string {
  const failures = reports.filter(({ status }) => status === 'fail').length;
  const sum = `${reports.length} of ${total} cases, ${failures} failed`;
  if (ending.kind === 'failed') return `It failed (${ending.reason}): ${sum}.`;
  return ending.kind === 'stopped' ? `Stopped: ${sum}.` : `Done: ${sum}.`;
}
