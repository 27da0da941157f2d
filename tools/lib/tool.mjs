import { readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** The folder of everything that the tools download or record; not in git. */
export const cache = join(root, '.cache');

const started = Date.now();

/** Prints a line of progress to standard error; standard output is for results. */
export function say(stage, text) {
  const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} s  ${stage.padEnd(10)} ${text}\n`);
}

/** A failure that the user can repair; printed without a stack. */
export class SetupError extends Error {}

/**
 * Runs a tool's main function, which returns the exit status. `--help` prints `usage` before anything is installed: a text file,
 * by default the first comment of the tool.
 */
export async function runMain(
  main,
  { usage = process.argv[1], args = process.argv.slice(2) } = {},
) {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usageText(usage));
    return;
  }
  try {
    process.exitCode = await main(args);
  } catch (error) {
    if (String(error?.code).startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`\nheed: ${error.message}\n\n${usageText(usage)}`);
      process.exitCode = 2;
      return;
    }
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`\nheed: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Whether Node was started with this module. Tests import commands too, and must not run them. */
export const isMain = ({ url }) =>
  process.argv[1] !== undefined && pathToFileURL(realpathSync(process.argv[1])).href === url;

/** Returns the text of a file or, of a program, its first comment. */
function usageText(file) {
  const text = readFileSync(file, 'utf8');
  if (!String(file).endsWith('.mjs')) return text;
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return `${lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join('\n')}\n`;
}

/** Returns rows as a table with aligned columns, on the right where `isNumber(column)`. */
export function tableText(rows, isNumber = () => false) {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  const pad = (cell, c) => (isNumber(c) ? cell.padStart(widths[c]) : cell.padEnd(widths[c]));
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
