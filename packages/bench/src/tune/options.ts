import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { positiveInteger } from '../options.ts';
import { presets } from './presets.ts';
import type { Problem } from './problems.ts';

/** What the command line asks for. */
export interface Options {
  /** By preset name, or as it was written. */
  readonly problems: ReadonlyMap<string, Problem>;
  /** A file with problems of its own. */
  readonly module: string | undefined;
  readonly seconds: number;
  readonly rounds: number;
  readonly out: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly help: boolean;
}

/** The same text answers `npm run … -- --help`, before anything is installed. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Reads the command line. Throws an Error that names the flag, what it got and what it takes. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      problem: { type: 'string', multiple: true },
      module: { type: 'string' },
      seconds: { type: 'string', default: '300' },
      rounds: { type: 'string', default: '7' },
      out: { type: 'string', default: '.cache/bench/tuning.json' },
      json: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const named = values.problem ?? (values.module === undefined ? Object.keys(presets) : []);
  return {
    problems: new Map(named.map((text) => [text, problemOf(text)])),
    module: values.module,
    seconds: positiveInteger('--seconds', values.seconds),
    rounds: positiveInteger('--rounds', values.rounds),
    out: values.out,
    json: values.json,
    dryRun: values['dry-run'],
    help: values.help,
  };
}

/** What is wrong with a problem as such, `tune` says. */
function problemOf(text: string): Problem {
  if (Object.hasOwn(presets, text)) return presets[text]!;
  try {
    return JSON.parse(text) as Problem;
  } catch (cause) {
    throw new Error(
      `--problem: takes a preset (${Object.keys(presets).join(', ')}) or JSON; got ${text}.`,
      { cause },
    );
  }
}
