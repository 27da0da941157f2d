import { ValidationError } from '@heed/core';

/**
 * Runs a program of Node. An error ends it with status 1 and one line that says what to do.
 * @param main reads the options too, since a wrong one is such an error
 */
export function runProgram(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    process.stderr.write(`${lineOf(error)}\n`);
    process.exit(1);
  });
}

function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = '', port } = error as { code?: string; port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Choose another with --port.`;
  if (code.startsWith('ERR_PARSE_ARGS')) return `${error.message}. --help lists the options.`;
  return error.message;
}

/**
 * Returns the number that an option has.
 * @throws ValidationError it is not a whole number from `least` to `most`
 */
export function wholeNumber(
  name: string,
  text: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most)
    return value;
  const range =
    most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  throw new ValidationError(`--${name} must be a whole number ${range}; got '${text}'. Change it.`);
}
