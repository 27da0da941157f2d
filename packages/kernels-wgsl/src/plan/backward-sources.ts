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
import { contiguous } from './contiguous.ts';
import { type AttentionProblem, factsOfProblem, keyDtype } from './problem.ts';
import { selectBackward } from './select.ts';

/** The kernels of the backward pass of a problem when every tensor is contiguous. */
export function backwardSources(
  { capabilities, tuning }: Gpu,
  problem: AttentionProblem,
  hooks: VariantHooks,
  withTables: boolean,
): KernelSource[] {
  const facts = factsOfProblem(problem, hooks);
  const { dtype, headDim, headDimV, lengths, keys } = facts;
  const { q, k, v = k, sinks } = problem;
  const kvType = keyDtype(problem) as FloatType;
  const layout = (shape: readonly number[], type: DType): MemoryLayout =>
    contiguous(shape, type, !capabilities.f16);
  const dq = layout(q, dtype);
  const out = layout(outShape(facts), dtype);
  const inputs = [dq, layout(k, kvType), layout(v, kvType), out];
  const read = readAccess(inputs);
  const gradient = (
    of: GradientOf,
    resultType: FloatType,
    write: BackwardConfig['write'],
  ): KernelSource => {
    const tile = selectBackward(of, capabilities, tuning);
    const types = { qType: dtype, kvType, headDim, headDimV, lengths, keys, hooks };
    return backwardSource({ ...types, of, read, resultType, write, tile });
  };
  const pairWrite = pairAccess(kvType, headDim, headDimV);
  const partWrite = pairAccess('f32', headDim, headDimV);
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
    gradient('q', dtype, writeAccess(dq)),
    isShared ? gradient('kv', 'f32', partWrite) : gradient('kv', kvType, pairWrite),
    ...(isShared ? sums : []),
    ...(keys === 'paged' ? [ownersSource] : []),
    fillSource,
    ...(withTables && hasTables(hooks) ? [gradient('tables', 'f32', 'scalar'), finishSource] : []),
  ];
}

const hasTables = ({ scores }: VariantHooks): boolean =>
  (scores.at(-1)?.gradient?.reads.length ?? 0) > 0;
