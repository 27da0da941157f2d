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

export const usage: string = `npm run tune -- [options]

  --problem X     a preset or an AttentionProblem as JSON; may be repeated (default: all presets)
                  ${Object.keys(presets).join(', ')}
  --module FILE   a TypeScript or JavaScript file with problems, those with mods too: it exports by default an object of
                  AttentionProblems and FlexProblems by name, or a function of a Gpu that gives one
  --seconds N     begin no candidate after this time (default: 300)
  --rounds N      timed rounds of the candidates that are left after the first (default: 7)
  --out FILE      where the tuning goes (default: .cache/bench/tuning.json)
  --json          print one JSON object, the tuning and how each candidate fared, nothing else
  --dry-run       list what would be timed
`;

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
