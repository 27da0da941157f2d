import { type KernelSource, readOptions } from '@heed/core/kernel';
import type { Tunable } from '@heed/kernels-wgsl';
import { checkProblem, layoutCall, variantHooks } from '@heed/kernels-wgsl/variant';
import { checkBlockMask } from '../host/block-mask-hook.ts';
import type { Captures } from '../text/compile/mod-types.ts';
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
import { hooksOfProblem } from './flex-plan-hooks.ts';

/** A problem with its mods compiled. */
export interface FlexVariant extends Tunable {
  readonly problem: FlexProblem<Captures>;
  /** Kernels that prepare what the mods read. */
  readonly sources: readonly KernelSource[];
}

/**
 * Compiles the mods of a problem, or finds them compiled.
 * @param fn the public function, for messages
 * @throws CompileError @throws ValidationError
 */
export function variantOf<C extends Captures>(fn: string, given: FlexProblem<C>): FlexVariant {
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
  const { hooks, sources, like } = hooksOfProblem(fn, mods);
  return {
    problem,
    hooks: variantHooks(hooks),
    sources,
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
      if (all.blockMask) checkBlockMask(call, all.blockMask);
      return call;
    },
  };
}
