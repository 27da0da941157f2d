import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  /** Most tokens in the pack. */
  readonly tokens: number;
  readonly json: boolean;
  readonly help: boolean;
}

export const usage = `npm start -- [options]

  --tokens N   most tokens to pack (default 4096; time grows with it)
  --json       one JSON object on standard output, nothing else
`;

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
