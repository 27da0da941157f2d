import type { Gpu } from '@heed/core';
import { assertUsable, isShapeOnly, readOptions } from '@heed/core/kernel';
import type { AttentionResult, Differentiable, Tunable } from '@heed/kernels-wgsl';
import { type AttentionPlan, checkProblem, layoutCall, makePlan } from '@heed/kernels-wgsl/variant';
import { checkBlockMask } from '../host/block-mask-hook.ts';
import { partsOf } from '../host/block-mask-parts.ts';
import { compileFor, type Resolutions } from '../host/compiled-hook.ts';
import type { Captures, NeedsCaptures } from '../text/compile/mod-types.ts';
import { flexDifferentiable, type FlexGradients } from './flex-attention-vjp.ts';
import { checkFlexOptions, flexHooks } from './flex-call.ts';
import {
  type AnyFlexOptions,
  type FlexProblem,
  flexProblemNames,
  flexTensorNames,
  type FlexTensors,
  meantFlexProblem,
  meantFlexTensors,
} from './flex-options.ts';

/**
 * Selects the kernel for a problem with mods, as `planAttention` does for one without. The plan can compile it off the hot path and
 * describe it.
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
  const fn = 'planFlexAttention';
  const { problem, callOf } = variantOf(fn, given);
  return makePlan<FlexTensors<C>, AttentionResult>(gpu, {
    fn,
    problem,
    callOf: (caller, tensors) => callOf(caller, gpu, tensors),
    resultOf: problem.backward ? flexDifferentiable : (call, forward) => forward(call),
    withTables: problem.grads?.length !== 0,
  });
}

/**
 * Makes a problem with mods for `tune` and `tuneCandidates` of `@heed/kernels-wgsl`. Its captures must be tensors of the tuned Gpu. The
 * resulting entry serves every call whose mods compute the same, regardless of their names, their text and the values of their
 * captures.
 *
 * @throws CompileError @throws ValidationError
 * @example
 * const problem = tunable({ layout: 'dense', q: [1, 8, 64, 64], k: [1, 8, 64, 64], maskMod: causal });
 * const tuning = await tune(gpu, [problem], { seconds: 5 });
 */
export function tunable<C extends Captures = {}>(problem: FlexProblem<C>): Tunable {
  return variantOf('tunable', problem);
}

/** A problem with its mods compiled. */
interface FlexVariant extends Tunable {
  readonly problem: FlexProblem<Captures>;
}

/**
 * Compiles the mods of a problem, or returns them from the cache.
 * @param fn the public function, for messages
 * @throws CompileError @throws ValidationError
 */
function variantOf<C extends Captures>(fn: string, given: FlexProblem<C>): FlexVariant {
  const problem = readOptions(
    fn,
    given as unknown as FlexProblem<Captures>,
    flexProblemNames,
    meantFlexProblem,
    'problem',
  );
  checkProblem(problem, fn);
  const { scoreMod, maskMod, blockMask, captures, grads } = problem;
  const mods = { scoreMod, maskMod, blockMask, captures } as AnyFlexOptions;
  checkFlexOptions(fn, mods);
  const like = resolutionsOf(fn, mods);
  return {
    problem,
    callOf: (caller, gpu, tensors) => {
      const run = readOptions(
        caller,
        tensors as FlexTensors<Captures>,
        flexTensorNames(problem.layout),
        meantFlexTensors,
        'tensors',
      );
      const all = {
        ...mods,
        ...(grads && { grads }),
        ...run,
        captures: { ...captures, ...run.captures },
      };
      checkFlexOptions(caller, all);
      const call = layoutCall(caller, problem, all, flexHooks(caller, gpu, all, like));
      // A call of shapes stands for calls of any lengths, those of the mask too.
      if (all.blockMask && !isShapeOnly(call.q)) checkBlockMask(call, all.blockMask);
      return call;
    },
  };
}

/** Resolves the captures of a plan's mods. Numbers keep the types that they have here in every run. */
function resolutionsOf(
  fn: string,
  { scoreMod, maskMod, blockMask, captures }: AnyFlexOptions,
): Resolutions {
  return {
    ...(scoreMod && { score: compileFor(fn, 'score', scoreMod, captures).resolution }),
    ...(blockMask && { block: partsOf(blockMask).compiled.resolution }),
    ...(maskMod && { mask: compileFor(fn, 'mask', maskMod, captures).resolution }),
  };
}
