import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { familyNames } from './amd/gpu-family.ts';
import { architectureNames } from './nvidia/gpu-architecture.ts';

/** The options of the command line. */
export interface Options {
  /** AMD's family whose compiler is wanted. */
  readonly family: string;
  /** NVIDIA's architecture whose compiler is wanted in its place. */
  readonly nvidia: string | undefined;
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
      nvidia: { type: 'string' },
      match: { type: 'string', default: '.' },
      json: { type: 'string' },
      compare: { type: 'string' },
      keep: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { family, nvidia, match, json, compare, keep, help } = values;
  checkName('--family', family, familyNames);
  if (nvidia !== undefined) checkName('--nvidia', nvidia, architectureNames);
  return { family, nvidia, match: expression(match), json, compare, keep, help };
}

function checkName(flag: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new Error(`${flag}: takes one of ${names.join(', ')}; got ${name}.`);
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new Error(`--match: takes a regular expression; got ${text}.`, { cause });
  }
}
