import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The options of the command line. */
export interface Options {
  /** The most tokens in the pack. */
  readonly tokens: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** `npm start -- --help` prints the same file before anything is installed. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

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
