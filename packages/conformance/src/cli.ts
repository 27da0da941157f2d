import { readFile, writeFile } from 'node:fs/promises';
import { allCases } from './cases/all-cases.ts';
import { parseCommand, usage } from './cli/options.ts';
import { runCommand } from './cli/run.ts';
import { comparisonText, summary } from './cli/text.ts';
import { manifestOf } from './manifest.ts';
import { compareOutputs } from './problems/output-hashes.ts';
import type { ConformanceReport } from './runner.ts';
import { selectCases } from './select.ts';

const manifestFile = new URL('../manifest.json', import.meta.url);

async function main(args: readonly string[]): Promise<number> {
  const command = parseCommand(args);
  if ('error' in command) {
    process.stderr.write(`${command.error}\n\n${usage}`);
    return 2;
  }
  if (command.help) return print(usage);
  if (command.updateManifest) {
    await writeFile(manifestFile, `${JSON.stringify(manifestOf(allCases), null, 1)}\n`);
    return print(`manifest.json: ${allCases.length} cases\n`);
  }
  const selected = selectCases(command.selection);
  if (command.list) return print(selected.map((c) => `${c.id}\n`).join(''));
  if (selected.length === 0) {
    process.stderr.write('conformance: no case has such a name; --list shows them all\n');
    return 2;
  }

  const stored = command.compare === undefined ? undefined : await readReport(command.compare);
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
  const report = await runCommand(command, selected, interrupt.signal);
  process.stderr.write(summary(report));
  if (command.json !== undefined) {
    const text = `${JSON.stringify(report, null, 1)}\n`;
    if (command.json === '-') process.stdout.write(text);
    else await writeFile(command.json, text);
  }
  const comparison = stored && compareOutputs(report.cases, stored.cases);
  if (comparison) process.stderr.write(comparisonText(comparison));
  return report.counts.fail === 0 && !comparison?.differing.length ? 0 : 1;
}

async function readReport(file: string): Promise<ConformanceReport> {
  return JSON.parse(await readFile(file, 'utf8')) as ConformanceReport;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

// Dawn keeps the event loop alive, so the process has to be ended once the output is out.
const code = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return 2;
});
process.stdout.write('', () => process.exit(code));
