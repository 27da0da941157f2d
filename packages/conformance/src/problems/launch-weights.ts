import type { Gpu, Tensor } from '@heed/core';
import * as flex from '@heed/flex';
import { attentionWeights, keyMass } from '@heed/kernels-wgsl';
import type { NdArray } from '../reference/nd-array.ts';
import type { FloatDType } from '../reference/number-types.ts';
import type { ReferenceProblem } from '../reference/reference-problem.ts';
import { download, Scope } from './case-tensors.ts';
import { flexArguments, type FlexLaunchOptions, type FlexProblem } from './launch-flex.ts';
import { call, upload } from './launch-problem.ts';

/** The functions that show weights, of attention and of flexAttention. */
export const weightFunctions = ['attentionWeights', 'keyMass'] as const;

export type WeightFunction = (typeof weightFunctions)[number];

/** How weights are asked for. */
export interface WeightsLaunch extends FlexLaunchOptions {
  /** Passes the lse of attention with the same options. */
  readonly givesLse?: boolean;
  readonly rows?: readonly [start: number, end: number];
  /** Further options, which the functions ignore. */
  readonly ignored?: (scope: Scope) => object;
}

/** Runs a function on a problem, reads its result back, and frees all tensors. */
export async function launchWeights(
  gpu: Gpu,
  name: WeightFunction,
  problem: ReferenceProblem | FlexProblem,
  dtype: FloatDType,
  options: WeightsLaunch = {},
): Promise<NdArray> {
  const scope = new Scope(gpu);
  try {
    const result = 'pair' in problem ? ofFlex(scope, name, problem, dtype, options) : plain();
    return await download(scope.own(result), name);
  } finally {
    scope.dispose();
  }

  function plain(): Tensor {
    const { q, k, v: _, ...given } = upload(scope, problem, dtype, options);
    const more = { ...options.ignored?.(scope), ...lseOf(scope, problem, dtype, options) };
    const { rows } = options;
    if (name === 'keyMass') return keyMass(q, k, { ...given, ...more });
    return attentionWeights(q, k, { ...given, ...more, ...(rows && { rows }) });
  }
}

function lseOf(
  scope: Scope,
  problem: ReferenceProblem,
  dtype: FloatDType,
  { givesLse, ...options }: WeightsLaunch,
): { lse?: Tensor } {
  if (!givesLse) return {};
  const { out, lse } = call(scope, problem, dtype, { ...options, numSplits: 1 });
  scope.own(out);
  return { lse: scope.own(lse!) };
}

function ofFlex(
  scope: Scope,
  name: WeightFunction,
  problem: FlexProblem,
  dtype: FloatDType,
  options: WeightsLaunch,
): Tensor {
  const [q, k, , given] = flexArguments(scope, problem, dtype, options);
  return name === 'keyMass'
    ? flex.keyMass(q, k, given as never)
    : flex.attentionWeights(q, k, given as never);
}
