import { fileURLToPath } from 'node:url';
import { HeedError, openGpu } from '@heed/core';
import { type Options, parseOptions, usage } from './start-options.ts';
import { renderReport } from './start-report.ts';
import { runMainJob } from './main-job.ts';

const interrupted = 130;
const progress = (line: string): void => void process.stderr.write(`start: ${line}\n`);
const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs the main job; resolves to the exit status: 0, 1 for a wrong result, 2 for a bad flag, 130 after Ctrl-C. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    progress(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  try {
    using gpu = await openGpu({ label: 'start' });
    const { tokens } = options;
    const report = await runMainJob(gpu, { root, tokens, signal: abort.signal, progress });
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : renderReport(report));
    return report.verdict === 'right' ? 0 : 1;
  } catch (error) {
    if (abort.signal.aborted) {
      progress('interrupted');
      return interrupted;
    }
    if (!HeedError.is(error)) throw error;
    progress(error.message);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
// Dawn's threads keep Node alive; standard output may be a pipe that is still being written.
process.stdout.write('', () => process.exit());
