import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { familyNames } from './amd/gpu-family.ts';

/** The options of the command line. */
export interface Options {
  readonly family: string;
  /** Which cases to compile, by name. */
  readonly match: RegExp;
  /** File to write the figures to. */
  readonly json: string | undefined;
  /** File with the figures of an earlier run. */
  readonly compare: string | undefined;
  /** Folder to keep assembly, SPIR-V and WGSL in. */
  readonly keep: string | undefined;
  readonly help: boolean;
}

/** The text of `npm run inspect -- --help`. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Reads the command line. Throws an Error that names the flag, the value it got and the values it takes. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      family: { type: 'string', default: 'navi31' },
      match: { type: 'string', default: '.' },
      json: { type: 'string' },
      compare: { type: 'string' },
      keep: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { family, match, json, compare, keep, help } = values;
  if (!familyNames.includes(family)) {
    throw new Error(`--family: takes one of ${familyNames.join(', ')}; got ${family}.`);
  }
  return { family, match: expression(match), json, compare, keep, help };
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new Error(`--match: takes a regular expression; got ${text}.`, { cause });
  }
}
