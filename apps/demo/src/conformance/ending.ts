import type { CaseReport } from '@heed/conformance';
import type { Ending } from './run.ts';

/** How a run ended, in a sentence. */
export function endingText(ending: Ending, reports: readonly CaseReport[], total: number): string {
  const failures = reports.filter(({ status }) => status === 'fail').length;
  const sum = `${reports.length} of ${total} cases, ${failures} failed`;
  if (ending.kind === 'failed') return `It broke off (${ending.reason}): ${sum}.`;
  return ending.kind === 'stopped' ? `Stopped: ${sum}.` : `Done: ${sum}.`;
}
