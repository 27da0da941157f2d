import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Gpu } from '@heed/core';
import { bind, type FlexProblem, planFlexAttention, tunable } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { softcap } from '@heed/flex/mods';
import {
  type AttentionPlan,
  type AttentionProblem,
  planAttention,
  type Tunable,
} from '@heed/kernels-wgsl';
import { positiveInteger, UsageError } from '../runs/bench-options.ts';

/** The options of the command line. */
export interface Options {
  /** Problems by preset name, or by their JSON text. */
  readonly problems: ReadonlyMap<string, Problem>;
  /** A module file that exports problems. */
  readonly module: string | undefined;
  readonly seconds: number;
  readonly rounds: number;
  readonly out: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly help: boolean;
}

/** The text of `npm run … -- --help`, which is printed before anything is installed. */
export const usage: string = readFileSync(new URL('usage.txt', import.meta.url), 'utf8');

/** Reads the command line. Throws an Error that names the flag, the value it got and the values it takes. */
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

/** Only the form is checked here; `tune` checks the problem. */
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

const prefill = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
const wide = { layout: 'dense', q: [1, 8, 1024, 128], k: [1, 2, 1024, 128], causal: true } as const;
const step = { layout: 'dense', q: [1, 32, 1, 64], k: [1, 8, 2049, 64], causal: true } as const;
const pages = { layout: 'paged', q: [8, 32, 64], k: [513, 16, 8, 64], sequences: 8 } as const;

/** Common problems by name; they are tuned by default. */
export const presets: Problems = {
  'prefill-f32': prefill,
  'prefill-f16': { ...prefill, dtype: 'f16' },
  'prefill-d128-f16': { ...wide, dtype: 'f16' },
  'prefill-one-split-f32': { ...prefill, numSplits: 1 },
  'packed-f32': { layout: 'varlen', q: [1024, 8, 64], k: [1024, 2, 64], sequences: 8 },
  'decode-f32': step,
  'decode-f16': { ...step, dtype: 'f16' },
  'decode-paged-f16': { ...pages, dtype: 'f16', causal: true },
  'training-f32': { ...prefill, causal: true, backward: true },
  'flex-causal-f32': { ...prefill, maskMod: causal },
  'flex-softcap-training-f32': {
    ...prefill,
    scoreMod: bind(softcap, { cap: 30.5 }),
    backward: true,
  },
};

/** A problem, with or without mods. */
type Problem = AttentionProblem | FlexProblem;

/** Problems by name, or a function that makes them from a Gpu, for captured tensors. */
export type Problems = Readonly<Record<string, Problem>>;

type ProblemModule = Problems | ((gpu: Gpu) => Problems);

const modNames = ['scoreMod', 'maskMod', 'blockMask'] as const;

function hasMods(problem: Problem): problem is FlexProblem {
  return modNames.some((name) => name in problem);
}

/** Returns a problem as `tune` takes it. */
export function toTune(problem: Problem): AttentionProblem | Tunable {
  return hasMods(problem) ? tunable(problem) : problem;
}

/** Returns the plan of a problem, for its description. */
export function planOf(gpu: Gpu, problem: Problem): Pick<AttentionPlan, 'describe' | 'dispose'> {
  return hasMods(problem) ? planFlexAttention(gpu, problem) : planAttention(gpu, problem);
}

/**
 * Loads the problems that a file exports by default.
 * @throws UsageError no such file, or no problems in it
 */
export async function problemsOf(file: string, gpu: Gpu): Promise<Problems> {
  const url = pathToFileURL(resolve(file)).href;
  const { default: given } = await load(file, url);
  const problems = typeof given === 'function' ? given(gpu) : given;
  if (problems !== null && typeof problems === 'object') return problems;
  throw new UsageError(
    `--module: ${file} must export by default an object of problems by name, or a function of a Gpu that gives one.`,
  );
}

async function load(file: string, url: string): Promise<{ default?: ProblemModule }> {
  try {
    return (await import(url)) as { default?: ProblemModule };
  } catch (cause) {
    throw new UsageError(`--module: ${file}: ${String(cause)}`, { cause });
  }
}
