import type { Case } from '../cases/shared/case.ts';
import { openEngine } from '../engines/engine.ts';
import type { EngineName } from '../engines/start.ts';
import {
  type CaseReport,
  type ConformanceReport,
  countsOf,
  type Progress,
  runConformance,
} from '../runner.ts';
import { openAdapter } from './open.ts';
import type { Command } from './options.ts';
import { adapterLine, caseLine } from './text.ts';

/** Runs what a command selects, here or in the engine that it names, and says how far it is. */
export async function runCommand(
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
