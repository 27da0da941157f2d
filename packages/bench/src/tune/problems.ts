import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Gpu } from '@heed/core';
import { type FlexProblem, planFlexAttention, tunable } from '@heed/flex';
import {
  type AttentionPlan,
  type AttentionProblem,
  planAttention,
  type Tunable,
} from '@heed/kernels-wgsl';
import { UsageError } from '../options.ts';

/** A problem with mods or without. */
export type Problem = AttentionProblem | FlexProblem;

/** Problems by name, or what makes them of a Gpu, for captured tensors. */
export type Problems = Readonly<Record<string, Problem>>;

export type ProblemModule = Problems | ((gpu: Gpu) => Problems);

const modNames = ['scoreMod', 'maskMod', 'blockMask'] as const;

function hasMods(problem: Problem): problem is FlexProblem {
  return modNames.some((name) => name in problem);
}

/** As `tune` takes it. */
export function toTune(problem: Problem): AttentionProblem | Tunable {
  return hasMods(problem) ? tunable(problem) : problem;
}

/** The plan of a problem, for what it says. */
export function planOf(gpu: Gpu, problem: Problem): Pick<AttentionPlan, 'describe' | 'dispose'> {
  return hasMods(problem) ? planFlexAttention(gpu, problem) : planAttention(gpu, problem);
}

/**
 * The problems that a file exports by default.
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
