import type { DType, Gpu } from '@heed/core';
import type { KernelSource } from '@heed/core/kernel';
import type { BackwardConfig, GradientOf } from '../config/backward.ts';
import type { FloatType } from '../config/forward.ts';
import type { VariantHooks } from '../hooks/contract.ts';
import { backwardSource } from '../kernels/backward/backward.wgsl.ts';
import { deltaSource } from '../kernels/backward/delta.wgsl.ts';
import { fillSource } from '../kernels/fill/fill.ts';
import { areShared } from '../kernels/shared-keys/are-shared.ts';
import { ownersSource } from '../kernels/shared-keys/owners.ts';
import { sumSource } from '../kernels/shared-keys/sum.wgsl.ts';
import { sinksSource } from '../kernels/sinks/sinks.ts';
import { finishSource } from '../kernels/table-gradients/finish.ts';
import { type MemoryLayout, readAccess, writeAccess } from '../run/access.ts';
import { outShape } from '../run/forward.ts';
import { pairAccess } from '../run/gradient-pair.ts';
import type { GradientTile } from '../tiles/tile.ts';
import { contiguous } from './contiguous.ts';
import { type AttentionProblem, factsOfProblem, keyDtype, type ProblemFacts } from './problem.ts';
import { selectBackward } from './select-backward.ts';

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
  tile: GradientTile,
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
