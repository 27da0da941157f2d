import type { KernelSource } from '@heed/core/kernel';
import type { Tunable } from '@heed/kernels-wgsl';
import {
  type AttentionTensors,
  checkProblem,
  layoutCall,
  variantHooks,
} from '@heed/kernels-wgsl/variant';
import { checkBlockMask } from '../block-mask/hook.ts';
import type { Captures } from '../compile/types.ts';
import { checkFlexOptions, flexHooks } from './flex-call.ts';
import type { AnyFlexOptions } from './options.ts';
import { hooksOfProblem } from './plan-hooks.ts';
import type { FlexProblem } from './problem.ts';

/** A problem with its mods compiled. */
export interface FlexVariant extends Tunable {
  /** Kernels that prepare what the mods read. */
  readonly sources: readonly KernelSource[];
}

/**
 * Compiles the mods of a problem, or finds them compiled.
 * @param fn the public function, for messages
 * @throws CompileError @throws ValidationError
 */
export function variantOf<C extends Captures>(fn: string, problem: FlexProblem<C>): FlexVariant {
  checkProblem(problem, fn);
  const { scoreMod, maskMod, blockMask, captures, grads } = problem;
  const mods = { scoreMod, maskMod, blockMask, captures } as AnyFlexOptions;
  checkFlexOptions(fn, { ...problem, ...mods } as AnyFlexOptions);
  const { hooks, sources } = hooksOfProblem(fn, mods);
  return {
    problem,
    hooks: variantHooks(hooks),
    sources,
    callOf: (caller, gpu, tensors) => {
      const { captures: others } = tensors as AnyFlexOptions;
      const given = {
        ...mods,
        ...(grads && { grads }),
        ...tensors,
        captures: { ...captures, ...others },
      };
      const all = given as AnyFlexOptions & AttentionTensors;
      checkFlexOptions(caller, all);
      const call = layoutCall(caller, problem, all, flexHooks(caller, gpu, all));
      if (all.blockMask) checkBlockMask(call, all.blockMask);
      return call;
    },
  };
}
