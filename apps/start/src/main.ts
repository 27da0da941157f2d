import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HeedError, openGpu } from '@heed/core';
import { runMainJob } from './main-job.ts';
import { renderReport } from './start-report.ts';

/** The options of the command line. */
interface Options {
  /** The most tokens in the pack. */
  readonly tokens: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** `npm start -- --help` prints the same file before anything is installed. */
const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Parses the command line. @throws Error that names the flag, the value got and the values allowed */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tokens: { type: 'string', default: '4096' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const tokens = Number(values.tokens);
  if (!Number.isInteger(tokens) || tokens < 1)
    throw new Error(`--tokens: takes a whole number ≥ 1; got ${values.tokens}.`);
  return { tokens, json: values.json, help: values.help };
}

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

// Tests import this file.
if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2));
  // Dawn's threads keep Node alive; standard output may be a pipe that is still being written.
  process.stdout.write('', () => process.exit());
}
