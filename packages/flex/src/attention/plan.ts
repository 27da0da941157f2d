import type { Gpu, Tensor } from '@heed/core';
import { assertUsable } from '@heed/core/kernel';
import type { AttentionProblem, AttentionResult, Differentiable } from '@heed/kernels-wgsl';
import {
  type AttentionPlan,
  type AttentionTensors,
  checkProblem,
  layoutCall,
  makePlan,
  variantHooks,
} from '@heed/kernels-wgsl/variant';
import { checkBlockMask } from '../block-mask/hook.ts';
import type { Captures } from '../compile/types.ts';
import { flexDifferentiable, type FlexGradients, type GradOptions } from './flex-attention-vjp.ts';
import { checkFlexOptions, flexHooks } from './flex-call.ts';
import { hooksOfProblem } from './plan-hooks.ts';
import type { AnyFlexOptions, BuiltInVariants, FlexOptions } from './options.ts';

type Mods<C extends Captures> = Pick<
  FlexOptions<C>,
  'scoreMod' | 'maskMod' | 'blockMask' | 'captures'
>;

/** What a plan is made for. Of the captures only their types matter: other values need no other plan. */
export interface FlexProblem<C extends Captures = never>
  extends Omit<AttentionProblem, BuiltInVariants | 'alibi'>, Mods<C>, GradOptions {}

/** What a plan runs on. Mods and captures are those of the problem, unless others of the same kind are given. */
export interface FlexTensors<C extends Captures = never> extends FlexOptions<C> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * Selects the kernel for a problem with mods, to be compiled off the hot path and looked at. As `planAttention`.
 *
 * @throws CompileError @throws ValidationError @throws UnsupportedError
 * @example
 * const problem = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
 * using plan = planFlexAttention(gpu, { ...problem, maskMod: (b, h, q, kv) => q >= kv });
 * await plan.warmup();
 * const { out } = plan.run({ q, k, v });
 */
export function planFlexAttention<C extends Captures = {}>(
  gpu: Gpu,
  problem: FlexProblem<C> & { readonly backward: true },
): AttentionPlan<FlexTensors<C>, AttentionResult & Differentiable<FlexGradients>>;
export function planFlexAttention<C extends Captures = {}>(
  gpu: Gpu,
  problem: FlexProblem<C>,
): AttentionPlan<FlexTensors<C>>;
export function planFlexAttention<C extends Captures = {}>(
  gpu: Gpu,
  problem: FlexProblem<C>,
): AttentionPlan<FlexTensors<C>> {
  assertUsable(gpu);
  checkProblem(problem, 'planFlexAttention');
  const { scoreMod, maskMod, blockMask, captures, grads } = problem;
  const mods = { scoreMod, maskMod, blockMask, captures } as AnyFlexOptions;
  checkFlexOptions('planFlexAttention', { ...problem, ...mods } as AnyFlexOptions);
  const { hooks, sources } = hooksOfProblem('planFlexAttention', mods);
  return makePlan<FlexTensors<C>, AttentionResult>(gpu, {
    problem,
    hooks: variantHooks(hooks),
    callOf: (fn, tensors) => {
      const values = { ...captures, ...tensors.captures };
      const given = { ...mods, ...(grads && { grads }), ...tensors, captures: values };
      const all = given as AnyFlexOptions & AttentionTensors;
      checkFlexOptions(fn, all);
      const call = layoutCall(fn, problem, all, flexHooks(fn, gpu, all));
      if (all.blockMask) checkBlockMask(call, all.blockMask);
      return call;
    },
    resultOf: problem.backward ? flexDifferentiable : (call, forward) => forward(call),
    withTables: grads?.length !== 0,
    extra: sources,
  });
}
