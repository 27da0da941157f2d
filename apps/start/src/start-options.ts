import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  /** Most tokens in the pack. */
  readonly tokens: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** The same text answers `npm run … -- --help`, before anything is installed. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Reads the command line. Throws an Error that names the flag, what it got and what it takes. */
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
