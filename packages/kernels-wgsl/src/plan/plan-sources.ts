import type { DType, Gpu } from '@heed/core';
import type { KernelSource } from '@heed/core/kernel';
import { combineConfig } from '../host/combine.ts';
import { forwardKernel, outShape } from '../host/forward-pass.ts';
import { areShared, pairAccess } from '../host/key-gradients.ts';
import { contiguous, type MemoryLayout, readAccess, writeAccess } from '../host/memory-layout.ts';
import { ownersSource } from '../host/shared-keys.ts';
import { sinksSource } from '../host/sink-gradients.ts';
import { finishSource } from '../host/table-gradients.ts';
import { fillSource } from '../host/word-kernels.ts';
import type { ProblemFacts } from '../select/problem-facts.ts';
import { selectBackward, type Selection } from '../select/selection.ts';
import { backwardSource } from '../text/kernels/backward.wgsl.ts';
import { combineSource } from '../text/kernels/combine.wgsl.ts';
import { deltaSource } from '../text/kernels/row-states.wgsl.ts';
import { sumSource } from '../text/kernels/shared-keys.wgsl.ts';
import type { VariantHooks } from '../text/parts/hook.ts';
import type { FloatType, GradientOf } from '../text/parts/kinds.ts';
import type { BackwardConfig } from '../text/tiles/kernel-config.ts';
import type { TileConfig } from '../text/tiles/tile-paths.ts';
import { type AttentionProblem, factsOfProblem, keyDtype } from './attention-problem.ts';

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

/** The kernels of the backward pass of a problem when every tensor is contiguous. */
export function backwardSources(
  { capabilities, tuning }: Gpu,
  problem: AttentionProblem,
  hooks: VariantHooks,
  withTables: boolean,
): KernelSource[] {
  const facts = factsOfProblem(problem, hooks);
  const { dtype, headDim, headDimV, keys } = facts;
  const { k, sinks } = problem;
  const kvType = keyDtype(problem) as FloatType;
  const halfWords = !capabilities.f16;
  const out = contiguous(outShape(facts), dtype, halfWords);
  const gradient = (of: GradientOf): KernelSource =>
    gradientSource(
      problem,
      hooks,
      of,
      selectBackward(facts, of, capabilities, tuning).tile,
      halfWords,
    );
  const pairWrite = pairAccess(kvType, headDim, headDimV);
  const isShared = areShared(facts, k);
  const sums = [...new Set([headDim, headDimV])].map((dim) =>
    sumSource({
      owners: keys === 'paged' ? 'pages' : 'batch',
      dim,
      resultType: kvType,
      read: dim % 4 === 0 ? 'vec4' : 'scalar',
      write: pairWrite,
    }),
  );
  return [
    deltaSource({ type: dtype, headDimV, read: readAccess([out]) }),
    ...(sinks ? [sinksSource] : []),
    gradient('q'),
    gradient('kv'),
    ...(isShared ? sums : []),
    ...(keys === 'paged' ? [ownersSource] : []),
    fillSource,
    ...(withTables && hasTables(hooks) ? [gradient('tables'), finishSource] : []),
  ];
}

/** One of the kernels that compute gradients. */
export function gradientSource(
  problem: AttentionProblem,
  hooks: VariantHooks,
  of: GradientOf,
  tile: TileConfig,
  halfWords: boolean,
): KernelSource {
  const facts = factsOfProblem(problem, hooks);
  const { dtype, headDim, headDimV, lengths, keys } = facts;
  const { q, k, v = k } = problem;
  const kvType = keyDtype(problem) as FloatType;
  const layout = (shape: readonly number[], type: DType): MemoryLayout =>
    contiguous(shape, type, halfWords);
  const dq = layout(q, dtype);
  const inputs = [dq, layout(k, kvType), layout(v, kvType), layout(outShape(facts), dtype)];
  // Gradients of keys that several sequences share are summed up afterwards.
  const pairType = areShared(facts, k) ? 'f32' : kvType;
  const results: Readonly<Record<GradientOf, Pick<BackwardConfig, 'resultType' | 'write'>>> = {
    q: { resultType: dtype, write: writeAccess(dq) },
    kv: { resultType: pairType, write: pairAccess(pairType, headDim, headDimV) },
    tables: { resultType: 'f32', write: 'scalar' },
  };
  const types = { qType: dtype, kvType, headDim, headDimV, lengths, keys, hooks };
  return backwardSource({ ...types, of, read: readAccess(inputs), ...results[of], tile });
}

/** Why each kernel that computes gradients has its tile. */
export function backwardReasons(
  { capabilities, tuning }: Gpu,
  facts: ProblemFacts,
  withTables: boolean,
): string[] {
  const all = ['q', 'kv', ...(withTables && hasTables(facts.hooks) ? ['tables' as const] : [])];
  return (all as GradientOf[]).map((of) => selectBackward(facts, of, capabilities, tuning).reason);
}

const hasTables = ({ scores }: VariantHooks): boolean =>
  (scores.at(-1)?.gradient?.reads.length ?? 0) > 0;
