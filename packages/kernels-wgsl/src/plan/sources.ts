import type { DType } from '@heed/core';
import type { KernelSource } from '@heed/core/kernel';
import { combineConfig } from '../kernels/combine/combine.ts';
import { combineSource } from '../kernels/combine/combine.wgsl.ts';
import type { MemoryLayout } from '../run/access.ts';
import { outShape } from '../run/forward.ts';
import { forwardKernel } from '../run/forward-kernel.ts';
import { contiguous } from './contiguous.ts';
import { type AttentionProblem, factsOfProblem, keyDtype } from './problem.ts';
import type { Selection } from './select.ts';

/**
 * The kernels that a selection comes to when every tensor is contiguous, in the order of their dispatch.
 * @param halfWords rows of halves start on whole words, as heed allocates them without `shader-f16`
 */
export function planSources(
  problem: AttentionProblem,
  selection: Selection,
  halfWords: boolean,
): KernelSource[] {
  const { dtype, ...facts } = factsOfProblem(problem);
  const kvDtype = keyDtype(problem);
  const { q, k, v = k } = problem;
  const { splits } = selection;
  const layout = (shape: readonly number[], type: DType): MemoryLayout =>
    contiguous(shape, type, halfWords);
  const inputs = [layout(q, dtype), layout(k, kvDtype), layout(v, kvDtype)];
  const out = layout(outShape(facts), dtype);
  if (splits === 1) return [forwardKernel(selection, inputs, out).source];
  const part = layout([splits, ...outShape(facts)], 'f32');
  return [
    forwardKernel(selection, inputs, part).source,
    combineSource(combineConfig(part, undefined, out)),
    ...(problem.backward ? [combineSource(combineConfig(part, undefined, out, true))] : []),
  ];
}
