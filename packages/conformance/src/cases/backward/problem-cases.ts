import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import type { FlexLaunchOptions, FlexProblem } from '../../problems/launch-flex.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { Problem } from '../../reference/reference-problem.ts';
import { type Case, type CaseSpec, defineCase } from '../case.ts';
import { areRight } from './expect.ts';

/** Heads and head dim that the groups share, and with them their kernels. */
export const base = { heads: [4, 2], dim: 16 } as const;

/** Builds a problem in a storage type. */
export type Build = (dtype: FloatDType) => Problem | FlexProblem;

/** How a problem is run. */
export interface BackwardSpec extends Omit<CaseSpec, 'run'> {
  readonly launch?: FlexLaunchOptions;
  /** With a gradient by lse. */
  readonly lse?: boolean;
  /** What unused memory holds; default NaN. */
  readonly poison?: (dtype: FloatDType) => number;
}

/** A case that runs a problem forward and backward and judges every gradient. */
export function gradientCase(
  group: string,
  name: string,
  build: Build,
  { launch = {}, lse = false, poison = () => NaN, ...spec }: BackwardSpec = {},
): Case[] {
  return defineCase(group, name, {
    ...spec,
    async run(gpu, dtype) {
      const built = build(dtype);
      const problem = { ...built, ...poisonUnused(built, poison(dtype)) };
      const by = resultGradients(problem, dtype, { lse });
      const got = await launchBackward(gpu, problem, by, dtype, launch);
      const scoreError = 'scoreError' in problem ? problem.scoreError : 0;
      const { kvDtype = dtype } = launch;
      return areRight('backward', got, problem, by, dtype, { scoreError, kvDtype });
    },
  });
}
