import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tuning } from '@heed/core';
import { pagePeerNames } from './browser/page-job.ts';
import type { Report } from './measure/bench-results.ts';
import { firstLine } from './measure/first-use.ts';
import { peerFactories } from './peers/node-peers.ts';
import { changesSince, leftOut, renderChanges } from './report/report-changes.ts';
import { renderMarkdown } from './report/report-markdown.ts';
import { renderPlot } from './report/report-plot.ts';
import { isWrong, renderComparisons, renderTable } from './report/report-tables.ts';
import {
  type Options,
  parseOptions,
  statusOfFailure,
  usage,
  UsageError,
} from './runs/bench-options.ts';
import { runBench } from './runs/run-bench.ts';

const progress = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

/** Runs the command; resolves to its exit status: 0, 1 if heed's own result is wrong, 2 on a bad flag, 130 on Ctrl-C. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args, { node: Object.keys(peerFactories), page: pagePeerNames });
  } catch (error) {
    progress(`${firstLine(error)}\n\n${usage}`);
    return 2;
  }
  if (options.help) return print(usage);
  if (options.dryRun) return print(dryRun(options));
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  try {
    const before = options.baseline === undefined ? undefined : await stored(options.baseline);
    const tuning = options.tuning === undefined ? undefined : await storedTuning(options.tuning);
    const run = options.browser ? await browserBench() : runBench;
    const report = await run(options, { signal: abort.signal, progress }, tuning);
    const files = await save(report, options.out);
    print(
      options.json
        ? `${JSON.stringify(report)}\n`
        : `${renderTable(report)}\n${renderComparisons(report.comparisons)}\nWritten: ${files.join(', ')}\n`,
    );
    if (before && !options.json) {
      const changes = changesSince(before, report);
      print(`\n${renderChanges(changes, before.date, leftOut(before, report))}`);
    }
    return heedIsRight(report) ? 0 : 1;
  } catch (error) {
    return statusOfFailure(error, abort.signal.aborted, progress);
  }
}

/** Loaded on demand: Vite and Playwright take a second to load. */
async function browserBench(): Promise<typeof runBench> {
  return (await import('./browser/run-in-browser.ts')).runBrowserBench;
}

/** Reads a stored run before this run may overwrite it. */
async function stored(file: string): Promise<Report> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(
      `--compare: no stored run at ${file}. Run once without it, or give --baseline FILE.`,
    );
  });
  return JSON.parse(text) as Report;
}

async function storedTuning(file: string): Promise<Tuning> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Tuning;
  } catch (error) {
    throw new UsageError(`--tuning: ${file}: ${firstLine(error)}. \`npm run tune\` writes one.`);
  }
}

function dryRun({ rows, comparisons, peers, rounds }: Options): string {
  const line = (id: string, title: string, names: readonly string[]): string =>
    `${id}: ${title}; at most ${rounds} rounds of ${names.join(', ')}\n`;
  return [
    ...rows.map(({ id, title }) => line(id, title, peers)),
    ...comparisons.map(({ id, title, contestants }) =>
      line(
        id,
        title,
        contestants.map(({ name }) => name),
      ),
    ),
  ].join('');
}

async function save(report: Report, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = {
    'bench.json': `${JSON.stringify(report, null, 2)}\n`,
    'bench.md': renderMarkdown(report),
    'bench.svg': renderPlot(report),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return Object.keys(files).map((name) => join(folder, name));
}

function heedIsRight({ rows, comparisons }: Report): boolean {
  const placed = comparisons.flatMap((comparison) => comparison.placed);
  if (placed.some((one) => !one.name.startsWith('jax') && isWrong(one))) return false;
  return rows.every(({ peers }) =>
    peers.every((result) => result.peer !== 'heed' || ('right' in result && result.right)),
  );
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

// Mesa caches compiled shaders on disk, which would hide the cost of the first use.
process.env['MESA_SHADER_CACHE_DISABLE'] ??= 'true';
process.exitCode = await main(process.argv.slice(2));
// Dawn's threads keep Node alive, so the process must exit; first the pipe of standard output must be written.
process.stdout.write('', () => process.exit());
