import type { Capabilities } from '@heed/core';
import type { OutputComparison } from '../problems/output-hashes.ts';
import type { ConformanceReport, Progress } from '../run/run-conformance.ts';

/** Returns one line about the adapter. */
export function adapterLine({ adapter, f16, subgroups, limits }: Capabilities): string {
  const parts = [adapter.vendor, adapter.device, adapter.description].filter((part) => part !== '');
  const name = parts.length === 0 ? 'nameless' : parts.join(', '); // Some browsers hide it.
  const size =
    subgroups === undefined
      ? 'no'
      : subgroups.min === subgroups.max
        ? `${subgroups.min}`
        : `${subgroups.min}…${subgroups.max}`;
  return `adapter: ${name}; shader-f16 ${f16 ? 'yes' : 'no'}; subgroups ${size}; workgroup memory ${limits.maxComputeWorkgroupStorageSize} bytes\n`;
}

/** Returns the output after a case: its line and report if it did not pass or `verbose` is set, else a count after every 50 cases. */
export function caseLine({ done, total, last }: Progress, verbose: boolean): string {
  const count = `${String(done).padStart(String(total).length)}/${total}`;
  const use =
    last.error === undefined || last.budget === undefined
      ? ''
      : `  error ${last.error.toExponential(1)} of ${last.budget.toExponential(1)}`;
  const line = `${count} ${last.status.padEnd(11)} ${last.id}  ${last.ms.toFixed(0)} ms${use}\n`;
  const report = last.report === undefined ? '' : `${last.report.replaceAll(/^/gm, '    ')}\n`;
  if (last.status !== 'pass' || verbose) return line + report;
  return done % 50 === 0 || done === total ? `${count}\n` : '';
}

/** Returns the last lines of a run: groups by time, and the verdict. */
export function summary({ counts, cases, pipelines, ms }: ConformanceReport): string {
  const groups = Map.groupBy(cases, (c) => c.id.slice(0, c.id.indexOf('/')));
  const times = [...groups]
    .map(([name, members]) => ({
      name,
      count: members.length,
      ms: members.reduce((sum, c) => sum + c.ms, 0),
    }))
    .toSorted((a, b) => b.ms - a.ms);
  const lines = times.map(
    ({ name, count, ms: time }) =>
      `  ${name.padEnd(20)} ${String(count).padStart(4)} cases  ${(time / 1000).toFixed(1)} s`,
  );
  const verdict = `${counts.pass} passed, ${counts.fail} failed, ${counts.unsupported} unsupported; ${pipelines} pipelines; ${(ms / 1000).toFixed(1)} s`;
  return [...lines, verdict, ''].join('\n');
}

const mostIds = 20;

/** Returns the outputs that differ from those of a stored report, and the number of cases compared. */
export function comparisonText({ compared, differing, added, missing }: OutputComparison): string {
  const lines = differing.map(({ id, outputs }) => `  differs  ${id}: ${outputs.join(', ')}\n`);
  const listed = (title: string, ids: readonly string[]): string[] =>
    ids.length > mostIds ? [] : ids.map((id) => `  ${title}  ${id}\n`);
  return [
    ...lines,
    ...listed('new', added),
    ...listed('not run', missing),
    `outputs: ${compared - differing.length} of ${compared} cases equal the stored report bit for bit, ${differing.length} differ; ${added.length} new, ${missing.length} not run\n`,
  ].join('');
}
