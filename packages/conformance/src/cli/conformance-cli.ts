import { readFile, writeFile } from 'node:fs/promises';
import { allCases } from '../cases/all-cases.ts';
import type { Case, CaseReport } from '../cases/shared/case.ts';
import type { EngineName } from '../engines/engine-process.ts';
import { openEngine } from '../engines/engine.ts';
import { openAdapter } from '../engines/open-adapter.ts';
import { compareOutputs } from '../problems/output-hashes.ts';
import {
  type ConformanceReport,
  countsOf,
  type Progress,
  runConformance,
} from '../run/run-conformance.ts';
import { manifestOf, selectCases } from '../run/select-cases.ts';
import { type Command, parseCommand, usage } from './command-line.ts';
import { adapterLine, caseLine, comparisonText, summary } from './report-text.ts';

/** Runs the selected cases, in this process or in the engine that the command names, and prints progress. */
async function runCommand(
  command: Command,
  selected: readonly Case[],
  signal: AbortSignal,
): Promise<ConformanceReport> {
  const onProgress = (progress: Progress): boolean =>
    process.stderr.write(caseLine(progress, command.verbose));
  if (command.engine !== undefined)
    return runInEngine(command.engine, command, selected, { signal, onProgress });
  const gpu = await openAdapter(command);
  process.stderr.write(adapterLine(gpu.capabilities));
  return runConformance(gpu, { ...command.selection, signal, onProgress });
}

async function runInEngine(
  name: EngineName,
  command: Command,
  selected: readonly Case[],
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: Progress) => unknown },
): Promise<ConformanceReport> {
  const started = performance.now();
  const engine = await openEngine(name, command);
  try {
    process.stderr.write(adapterLine(engine.capabilities));
    const cases: CaseReport[] = [];
    for (const { id } of selected) {
      signal.throwIfAborted();
      const last = await engine.runCase(id);
      cases.push(last);
      onProgress({ done: cases.length, total: selected.length, last });
    }
    return {
      capabilities: engine.capabilities,
      counts: countsOf(cases),
      pipelines: engine.pipelines,
      ms: performance.now() - started,
      cases,
    };
  } finally {
    engine.close();
  }
}

const manifestFile = new URL('../../manifest.json', import.meta.url);

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
    process.stderr.write(
      'conformance: the selection has no cases; --list prints the ids of all cases\n',
    );
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

// Dawn keeps the event loop alive: end the process once the output is flushed.
const code = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return 2;
});
process.stdout.write('', () => process.exit(code));
