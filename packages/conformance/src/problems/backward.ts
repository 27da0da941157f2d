import type { Gpu, Tensor } from '@heed/core';
import { flexAttentionVjp } from '@heed/flex';
import {
  type AttentionResult,
  type AttentionGradients,
  attentionVjp,
  type Differentiable,
  varlenAttentionVjp,
  type VarlenOptions,
} from '@heed/kernels-wgsl';
import type { FloatDType } from '../numerics/storage.ts';
import type { Gradients, ResultGradients } from '../reference/gradients.ts';
import type { Problem } from '../reference/problem.ts';
import { flexArguments, type FlexLaunchOptions } from './flex/launch.ts';
import type { FlexProblem } from './flex/pair.ts';
import { download, upload } from './launch.ts';
import { place } from './placement.ts';
import { Scope } from './scope.ts';

/** A call on the GPU that can be differentiated. */
export type GpuVjp = AttentionResult & Differentiable<AttentionGradients>;

/** Runs a problem forward and backward, and reads the gradients back. Frees what it made. */
export async function launchBackward(
  gpu: Gpu,
  problem: Problem | FlexProblem,
  by: ResultGradients,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): Promise<Gradients> {
  const scope = new Scope(gpu);
  try {
    const result = forward(scope, problem, dtype, options);
    return await backward(scope, result, by, dtype, options);
  } finally {
    scope.dispose();
  }
}

/** Uploads a problem and runs it forward; the scope frees the results. One split, unless the options say otherwise. */
export function forward(
  scope: Scope,
  problem: Problem | FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): GpuVjp {
  const result = differentiable(scope, problem, dtype, { numSplits: 1, ...options });
  for (const tensor of [result.out, result.lse]) if (tensor) scope.own(tensor);
  return result;
}

function differentiable(
  scope: Scope,
  problem: Problem | FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions,
): GpuVjp {
  if ('pair' in problem) return flexAttentionVjp(...flexArguments(scope, problem, dtype, options));
  const { q, k, v, ...rest } = upload(scope, problem, dtype, options);
  if (problem.q.shape.length === 4) return attentionVjp(q, k, v, rest);
  return varlenAttentionVjp(q, k, v, rest as VarlenOptions);
}

/** One backward of a call, with dOut and dLse placed as the inputs are. */
export async function backward(
  scope: Scope,
  result: GpuVjp,
  { dOut, dLse }: ResultGradients,
  dtype: FloatDType,
  { placement = 'contiguous' }: FlexLaunchOptions = {},
): Promise<Gradients> {
  const given = place(scope, dOut, dtype, placement);
  const { dq, dk, dv, dSinks, dAlibiSlopes } = result.backward(
    given,
    dLse && place(scope, dLse, 'f32', placement),
  );
  const read = (tensor: Tensor, name: string) => download(scope.own(tensor), name);
  return {
    dq: await read(dq, 'dq'),
    dk: await read(dk, 'dk'),
    dv: await read(dv, 'dv'),
    ...(dSinks && { dSinks: await read(dSinks, 'dSinks') }),
    ...(dAlibiSlopes && { dAlibiSlopes: await read(dAlibiSlopes, 'dAlibiSlopes') }),
  };
}
