import type { Gpu } from '@heed/core';
import { assertUsable } from '@heed/core/kernel';
import type { AttentionResult, Differentiable, Tunable } from '@heed/kernels-wgsl';
import { type AttentionPlan, makePlan } from '@heed/kernels-wgsl/variant';
import type { Captures, NeedsCaptures } from '../text/compile/mod-types.ts';
import { flexDifferentiable, type FlexGradients } from './flex-attention-vjp.ts';
import type { FlexProblem, FlexTensors } from './flex-options.ts';
import { variantOf } from './flex-variant.ts';

/**
 * Selects the kernel for a problem with mods, to be compiled off the hot path and looked at. As `planAttention`.
 *
 * @throws CompileError @throws ValidationError @throws UnsupportedError
 * @example
 * const problem = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
 * const plan = planFlexAttention(gpu, { ...problem, maskMod: (b, h, q, kv) => q >= kv });
 * await plan.warmup();
 * const { out } = plan.run({ q, k, v });
 */
export function planFlexAttention<C extends Captures = {}>(
  gpu: Gpu,
  problem: FlexProblem<C> & NeedsCaptures<C> & { readonly backward: true },
): AttentionPlan<FlexTensors<C>, AttentionResult & Differentiable<FlexGradients>>;
export function planFlexAttention<C extends Captures = {}>(
  gpu: Gpu,
  problem: FlexProblem<C> & NeedsCaptures<C>,
): AttentionPlan<FlexTensors<C>>;
export function planFlexAttention<C extends Captures = {}>(
  gpu: Gpu,
  given: FlexProblem<C>,
): AttentionPlan<FlexTensors<C>> {
  assertUsable(gpu);
  const { problem, hooks, sources, callOf } = variantOf('planFlexAttention', given);
  return makePlan<FlexTensors<C>, AttentionResult>(gpu, {
    problem,
    hooks,
    callOf: (fn, tensors) => callOf(fn, gpu, tensors),
    resultOf: problem.backward ? flexDifferentiable : (call, forward) => forward(call),
    withTables: problem.grads?.length !== 0,
    extra: sources,
  });
}

/**
 * A problem with mods, for `tune` and `tuneCandidates` of `@heed/kernels-wgsl`. Its captures are used: tensors of the Gpu that is
 * tuned. The entry that comes of it serves every call whose mods compute the same, whatever their names, their text or the values of
 * their captures.
 *
 * @throws CompileError @throws ValidationError
 * @example
 * const problem = tunable({ layout: 'dense', q: [1, 8, 64, 64], k: [1, 8, 64, 64], maskMod: causal });
 * const tuning = await tune(gpu, [problem], { seconds: 5 });
 */
export function tunable<C extends Captures = {}>(problem: FlexProblem<C>): Tunable {
  const { sources: _, ...variant } = variantOf('tunable', problem);
  return variant;
}
