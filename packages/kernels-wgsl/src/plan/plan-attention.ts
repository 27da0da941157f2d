import type { Gpu } from '@heed/core';
import { assertUsable, fail, readOptions } from '@heed/core/kernel';
import { denseCall } from '../api/dense-call.ts';
import {
  attentionDifferentiable,
  type AttentionGradients,
  type Differentiable,
} from '../api/differentiable.ts';
import { varlenCall } from '../api/varlen-call.ts';
import type { Call } from '../host/attention-call.ts';
import type { AttentionOptions, AttentionResult, VarlenLayout } from '../host/attention-options.ts';
import type { BoundHook } from '../host/options/attention-option.ts';
import { type AttentionProblem, type AttentionTensors, checkProblem } from './attention-problem.ts';
import { type AttentionPlan, makePlan } from './make-plan.ts';
import {
  denseTensorNames,
  meantByProblem,
  meantByTensors,
  problemNames,
  tensorNames,
} from './problem-names.ts';

/** The plan of a problem with `backward: true`: its runs return a `backward`, as `attentionVjp` does. */
export type DifferentiablePlan = AttentionPlan<
  AttentionTensors,
  AttentionResult & Differentiable<AttentionGradients>
>;

/**
 * Selects the kernel for a problem. Plans are cheap: kernels are cached per device, and two plans of one problem share them.
 *
 * @throws ValidationError an invalid problem
 * @throws UnsupportedError a feature that this device lacks, or gradients of quantised pages
 * @example
 * const problem = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
 * const plan = planAttention(gpu, problem);
 * await plan.warmup();
 * const { out } = plan.run({ q, k, v, causal: true });
 */
export function planAttention(
  gpu: Gpu,
  problem: AttentionProblem & { readonly backward: true },
): DifferentiablePlan;
export function planAttention(gpu: Gpu, problem: AttentionProblem): AttentionPlan;
export function planAttention(gpu: Gpu, given: AttentionProblem): AttentionPlan {
  assertUsable(gpu);
  const fn = 'planAttention';
  const problem = readOptions(fn, given, problemNames, meantByProblem, 'problem');
  checkProblem(problem, fn);
  return makePlan<AttentionTensors, AttentionResult>(gpu, {
    fn,
    problem,
    callOf: (name, tensors) => layoutCall(name, problem, readTensors(name, problem, tensors)),
    resultOf: problem.backward ? attentionDifferentiable : (call, forward) => forward(call),
  });
}

/** Reads the tensors and options of a run, once. */
function readTensors(
  fn: string,
  { layout }: AttentionProblem,
  tensors: AttentionTensors,
): AttentionTensors {
  return layout === 'dense'
    ? readOptions(fn, tensors, denseTensorNames, meantByTensors, 'tensors')
    : readOptions(fn, tensors, tensorNames, meantByTensors, 'tensors');
}

type Planned = 'format' | 'headDim' | 'headDimV' | 'selectedBlockSize';

/** Makes and checks the call for a problem's layout. */
export function layoutCall(
  fn: string,
  {
    layout,
    format,
    headDim,
    headDimV,
    selectedBlockSize,
  }: Pick<AttentionProblem, 'layout' | Planned>,
  tensors: AttentionTensors,
  hooks?: readonly BoundHook[],
): Call {
  const { q, k, v, ...given } = tensors;
  const options = {
    ...(format && { format }),
    ...(headDim && { headDim }),
    ...(headDimV && { headDimV }),
    ...(selectedBlockSize !== undefined && { selectedBlockSize }),
    ...given,
  };
  if (layout === 'paged' && options.blockTable === undefined) {
    const rule = 'this plan was made for paged keys, which need blockTable';
    fail(fn, rule, 'undefined', 'Pass blockTable and seqUsedK.');
  }
  return layout === 'dense'
    ? denseCall(fn, q, k, v, options, hooks)
    : varlenCall(fn, q, k, v, options as VarlenLayout & AttentionOptions, hooks);
}
