import type { Gpu, Tensor } from '@heed/core';
import { flexAttentionVjp } from '@heed/flex';
import {
  type AttentionGradients,
  type AttentionResult,
  attentionVjp,
  type Differentiable,
  varlenAttentionVjp,
  type VarlenOptions,
} from '@heed/kernels-wgsl';
import { generate, type NdArray } from '../reference/nd-array.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { type Random, random } from '../reference/pseudo-random.ts';
import type { Gradients, ResultGradients } from '../reference/reference-gradients.ts';
import type { ReferenceProblem } from '../reference/reference-problem.ts';
import { normal } from './build-problem.ts';
import { download, place, Scope } from './case-tensors.ts';
import { flexArguments, type FlexLaunchOptions, type FlexProblem } from './launch-flex.ts';
import { upload } from './launch-problem.ts';
import { poisonUnused } from './rearrange-problem.ts';

/** Returns normally distributed dOut, and dLse if `lse` is set; NaN in rows outside every sequence. */
export function resultGradients(
  problem: ReferenceProblem,
  dtype: FloatDType,
  { lse = false, seed = 77 }: { readonly lse?: boolean; readonly seed?: number } = {},
): ResultGradients {
  const source = random(seed);
  const shape = [...problem.q.shape.slice(0, -1), problem.v.shape.at(-1) ?? 0];
  const dOut = normal(shape, source, dtype);
  // With v for k, every offset of q is an offset of out.
  const poisoned = poisonUnused({ ...problem, q: dOut, k: problem.v }, NaN).q;
  return { dOut: poisoned, ...(lse && { dLse: lseGradient(problem, source) }) };
}

function lseGradient({ q, cuSeqlensQ }: ReferenceProblem, source: Random): NdArray {
  const [first = 0, heads = 0, rows = 0] = q.shape;
  if (cuSeqlensQ === undefined) return normal([first, heads, rows], source, 'f32');
  const end = cuSeqlensQ.at(-1) ?? 0;
  return generate([heads, first], (flat) => (flat % first < end ? source.normal() : NaN));
}

/** Multiplies gradients by a factor. */
export function scaled<G extends { readonly [K in keyof G]: NdArray }>(
  gradients: G,
  factor: number,
): G {
  const times = ({ shape, data }: NdArray): NdArray => ({
    shape,
    data: data.map((x) => x * factor),
  });
  return Object.fromEntries(
    Object.entries<NdArray>(gradients).map(([name, array]) => [name, times(array)]),
  ) as unknown as G;
}

/** The result of a call on the GPU that can be differentiated. */
type GpuVjp = AttentionResult & Differentiable<AttentionGradients>;

/** Runs a problem forward and backward, reads the gradients back, and frees all tensors. */
export async function launchBackward(
  gpu: Gpu,
  problem: ReferenceProblem | FlexProblem,
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

/** Uploads a problem and runs it forward; the scope frees the results. Default: one split. */
export function forward(
  scope: Scope,
  problem: ReferenceProblem | FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions = {},
): GpuVjp {
  const result = differentiable(scope, problem, dtype, { numSplits: 1, ...options });
  for (const tensor of [result.out, result.lse]) if (tensor) scope.own(tensor);
  return result;
}

function differentiable(
  scope: Scope,
  problem: ReferenceProblem | FlexProblem,
  dtype: FloatDType,
  options: FlexLaunchOptions,
): GpuVjp {
  if ('pair' in problem) return flexAttentionVjp(...flexArguments(scope, problem, dtype, options));
  const { q, k, v, ...rest } = upload(scope, problem, dtype, options);
  if (problem.q.shape.length === 4) return attentionVjp(q, k, v, rest);
  return varlenAttentionVjp(q, k, v, rest as VarlenOptions);
}

/** Runs backward once, with dOut and dLse in the memory layout of the inputs, and reads the gradients back. */
export async function backward(
  scope: Scope,
  result: GpuVjp,
  { dOut, dLse }: ResultGradients,
  dtype: FloatDType,
  { placement = 'contiguous' }: FlexLaunchOptions = {},
): Promise<Gradients> {
  const given = place(scope, dOut, dtype, placement);
  const { dq, dk, dv, dSinks, dAlibiSlopes, dScale, dSoftcap } = result.backward(
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
    ...(dScale && { dScale: await read(dScale, 'dScale') }),
    ...(dSoftcap && { dSoftcap: await read(dSoftcap, 'dSoftcap') }),
  };
}
