import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { runCell } from './cell/cell.ts';
import { routed, roundRobin } from './cell/dispatcher.ts';
import {
  costTable,
  curveTable,
  deliveryTable,
  runTable,
  sheetTable,
} from './report/report-tables.ts';
import { curvePlot, firstTokenPlot } from './report/sim-plot.ts';
import { parseOptions, type SimOptions, usage } from './sim-options.ts';
import { capacityCurve } from './studies/capacity-curve.ts';
import { models } from './studies/page-delivery.ts';
import { runFigures } from './studies/run-figures.ts';
import { comparePolicies, rateErrors, type StudyRun, usualFaults } from './studies/study-runs.ts';
import {
  type CellFindings,
  cellFindings,
  conversationCell,
  userSheet,
} from './studies/user-sheet.ts';
import { generatedTrace } from './trace/generated-trace.ts';
import { faster, parseMooncake, type Trace } from './trace/trace.ts';

/** What a study prints and may write. */
interface StudyReport {
  readonly text: string;
  readonly figures: unknown;
  readonly plot?: string;
}

const progress = (line: string): void => void process.stderr.write(`sim: ${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  let options: SimOptions;
  try {
    options = parseOptions(args);
  } catch (error) {
    progress(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options.help || options.showCosts) {
    process.stdout.write(options.help ? usage : costTable(options.costs));
    return 0;
  }
  const { text, figures, plot } = await studied(options);
  process.stdout.write(text);
  const { json, plot: file } = options;
  if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, null, 1)}\n`);
  if (file === undefined) return 0;
  if (plot === undefined) {
    progress(`the study ${options.study} has no picture`);
    return 2;
  }
  await writeFile(file, plot);
  return 0;
}

async function studied(options: SimOptions): Promise<StudyReport> {
  if (options.study === 'delivery') return { text: deliveryTable(2048), figures: models };
  if (options.study === 'users' && options.traces.length === 0) return sheetOf(conversationCell);
  const traces = await tracesOf(options);
  if (options.study === 'curve') return curves(traces);
  const [trace] = traces as [Trace];
  if (options.study === 'users') return users(trace, options);
  const runs = options.study === 'faults' ? faults(trace, options) : policies(trace, options);
  const all = Object.fromEntries(runs.map(({ figures, run }) => [figures.name, run]));
  const figures = runs.map((run) => run.figures);
  return { text: runTable(figures), figures, plot: firstTokenPlot(all) };
}

async function tracesOf({ traces, rate }: SimOptions): Promise<Trace[]> {
  const read = traces.map(async (file) =>
    parseMooncake(basename(file, '.jsonl'), await readFile(file, 'utf8')),
  );
  const all = read.length === 0 ? [generatedTrace(conversations)] : await Promise.all(read);
  return rate === 1 ? all : all.map((trace) => faster(trace, rate));
}

/** What a study runs on without a trace. */
const conversations = {
  conversations: 400,
  turns: 5,
  blocksPerTurn: 6,
  sharedBlocks: 2,
  rate: 1,
  pause: 40,
  seed: 1,
};

function curves(traces: readonly Trace[]): StudyReport {
  const all = traces.map((trace) => {
    progress(trace.name);
    return [trace.name, capacityCurve(trace, [1e6, 3e6, 10e6, 30e6, 50e6, Infinity])] as const;
  });
  const text = all.map(([name, points]) => `${name}\n\n${curveTable(points)}`).join('\n');
  const figures = Object.fromEntries(all);
  return { text, figures, plot: curvePlot(figures) };
}

const sizeOf = ({ workers, workerTokens, storeTokens, costs, rateError }: SimOptions) => ({
  workers,
  workerTokens,
  storeTokens,
  costs,
  rateError: rateErrors(workers, rateError),
});

function policies(trace: Trace, options: SimOptions): StudyRun[] {
  const { blockTokens } = trace;
  const dispatchers = [
    roundRobin(),
    routed('leastLoaded', blockTokens),
    routed('boundedHash', blockTokens),
    routed('leastTtft', blockTokens),
  ];
  return comparePolicies(trace, sizeOf(options), dispatchers, progress);
}

function faults(trace: Trace, options: SimOptions): StudyRun[] {
  const { workers } = options;
  return [[], usualFaults(trace)].map((list) => {
    const name = list.length === 0 ? 'nothing fails' : 'a worker and the store are lost';
    progress(name);
    const dispatcher = routed('leastTtft', trace.blockTokens);
    const run = runCell(trace, { ...sizeOf(options), dispatcher, faults: list });
    return { run, figures: runFigures(name, workers, run) };
  });
}

function users(trace: Trace, options: SimOptions): StudyReport {
  const dispatcher = routed('leastTtft', trace.blockTokens);
  const run = runCell(trace, { ...sizeOf(options), dispatcher });
  return sheetOf(cellFindings(trace, options.workers, run));
}

function sheetOf(cell: CellFindings): StudyReport {
  const lines = userSheet(cell);
  return { text: sheetTable(lines), figures: lines };
}

process.exitCode = await main(process.argv.slice(2));
