import type { Gpu } from '@heed/core';
import { readOptions } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { VariantHooks } from '../hooks/contract.ts';
import { checkProblem } from '../plan/check.ts';
import { meantByProblem } from '../plan/meant.ts';
import { problemNames } from '../plan/option-names.ts';
import { type AttentionTensors, layoutCall } from '../plan/plan.ts';
import { type AttentionProblem, problemHooks } from '../plan/problem.ts';

/** A problem of a variant of attention, as `tune` takes it beside those of attention itself: `tunable()` of `@heed/flex` makes one. */
export interface Tunable {
  readonly problem: AttentionProblem;
  readonly hooks: VariantHooks;
  /** Makes and checks a call of some tensors on a Gpu, in the name of a function. */
  readonly callOf: (fn: string, gpu: Gpu, tensors: AttentionTensors) => Call;
}

/** @throws ValidationError a problem that cannot be */
export function toTunable(fn: string, given: AttentionProblem | Tunable): Tunable {
  if (given !== null && typeof given === 'object' && 'callOf' in given) {
    checkProblem(given.problem, fn);
    return given;
  }
  const problem = readOptions(fn, given, problemNames, meantByProblem, 'problem');
  checkProblem(problem, fn);
  return {
    problem,
    hooks: problemHooks(problem),
    callOf: (name, _, tensors) => layoutCall(name, problem, tensors),
  };
}
