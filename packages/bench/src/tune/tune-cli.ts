import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { firstLine } from '../measure/first-use.ts';
import { statusOfFailure } from '../runs/bench-options.ts';
import { type Options, parseOptions, usage } from './tune-problems.ts';
import { listCandidates, openTuned, runTune, type TuneResult } from './run-tune.ts';
import { renderCandidates, renderReport } from './tune-report.ts';

const progress = (line: string): void => void process.stderr.write(`tune: ${line}\n`);

/** Runs the command; resolves to its exit status: 0, 1 if a candidate's result is wrong, 2 on a bad flag, 130 on Ctrl-C. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    progress(`${firstLine(error)}\n\n${usage}`);
    return 2;
  }
  if (options.help) return print(usage);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  try {
    if (options.dryRun) return print(await dryRun(options));
    const result = await runTune(options, { signal: abort.signal, progress });
    await mkdir(dirname(options.out), { recursive: true });
    await writeFile(options.out, `${JSON.stringify(result.tuning, null, 2)}\n`);
    print(
      options.json ? `${JSON.stringify(result)}\n` : `${render(result)}\nWritten: ${options.out}\n`,
    );
    return result.reports.some(({ candidates }) => candidates.some((c) => c.status === 'wrong'))
      ? 1
      : 0;
  } catch (error) {
    return statusOfFailure(error, abort.signal.aborted, progress);
  }
}

async function dryRun(options: Options): Promise<string> {
  const { gpu, adapter } = await openTuned();
  using opened = gpu;
  const lists = (await listCandidates(options, opened)).map(([name, candidates]) =>
    renderCandidates(name, candidates),
  );
  return [adapter, '', ...lists].join('\n');
}

function render({ adapter, reports, names, plans }: TuneResult): string {
  return [
    adapter,
    '',
    ...reports.map((report) => renderReport(report, names[report.key]!)),
    ...Object.entries(plans).map(([name, plan]) => `${name}: ${plan}`),
  ].join('\n');
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

// Mesa caches compiled shaders on disk, which would hide the cost of compiling.
process.env['MESA_SHADER_CACHE_DISABLE'] ??= 'true';
process.exitCode = await main(process.argv.slice(2));
// Dawn's threads keep Node alive, so the process must exit; first the pipe of standard output must be written.
process.stdout.write('', () => process.exit());
