import type { Tensor } from '@heed/core';
import { bindTensor, placeholder, threadGrid } from '@heed/core/kernel';
import { type CombineConfig, combineSource } from '../text/kernels/combine.wgsl.ts';
import type { FloatType } from '../text/parts/kinds.ts';
import { packParams } from '../text/parts/params.ts';
import { readBytes, writeBytes } from '../text/parts/row-access.wgsl.ts';
import type { RowPlanes } from './forward-values.ts';
import type { Target } from './launch-target.ts';
import {
  boundLse,
  boundRows,
  type MemoryLayout,
  named,
  readAccess,
  type RowStrides,
  writeAccess,
} from './memory-layout.ts';

/** An attention state: out and its log-sum-exp, over the same rows. */
export interface State {
  readonly out: Tensor;
  readonly lse: Tensor;
}

/** One merge: `parts` states stored consecutively in `part`, and `other` if given. */
export interface Merge {
  /** Has a leading axis of parts. */
  readonly part: State;
  readonly other?: State;
  readonly out: Tensor;
  readonly lse: Tensor | undefined;
  /** Planes of the parts' rows and of the result's, if lse is not the only one. Row states, if present, are merged too. */
  readonly planes?: { readonly part: RowPlanes; readonly result: RowPlanes };
}

/** Returns the kernel for this memory layout of the parts (and of `other`, if given). */
function combineConfig(
  part: MemoryLayout,
  other: MemoryLayout | undefined,
  out: MemoryLayout,
  ofStates = false,
): CombineConfig {
  return {
    headDimV: out.shape.at(-1)!,
    partType: part.dtype as FloatType,
    outType: out.dtype as FloatType,
    read: readAccess(other ? [part, other] : [part]),
    write: writeAccess(out),
    source: other ? 'pair' : ofStates ? 'states' : 'splits',
  };
}

/** Dispatches one merge. */
export function combine(target: Target, merge: Merge): void {
  const { gpu } = target;
  const { part, other, out, lse, planes } = merge;
  const config = combineConfig(part.out, other?.out, out, Boolean(planes?.part.statePlane));
  const rows = boundRows(out);
  const threads = rows.outer * rows.heads * rows.rows * Math.ceil(config.headDimV / 4);
  if (threads === 0) return;

  const bytes = readBytes(config.partType, config.read);
  const bound = {
    part: bindTensor(part.out, bytes),
    partLse: bindTensor(planes?.part.whole ?? part.lse),
    out: bindTensor(out, writeBytes(config.outType, config.write)),
    ...(other && { other: bindTensor(other.out, bytes), otherLse: bindTensor(other.lse) }),
    ...(lse && { lse: bindTensor(planes?.result.whole ?? lse) }),
  };
  const zero: RowStrides = { outer: 0, head: 0, row: 0, dim: 0, step: 0 };
  const values = {
    threads,
    parts: part.out.shape[0]!,
    heads: rows.heads,
    rows: rows.rows,
    ...named('part', bound.part.elementOffset, boundRows(part.out, 1).strides),
    ...named('part_lse', bound.partLse.elementOffset, boundLse(part.lse, 1)),
    ...named('other', bound.other?.elementOffset ?? 0, other ? boundRows(other.out).strides : zero),
    ...named('other_lse', bound.otherLse?.elementOffset ?? 0, other ? boundLse(other.lse) : zero),
    ...named('out', bound.out.elementOffset, rows.strides),
    ...named('lse', bound.lse?.elementOffset ?? 0, lse ? boundLse(lse) : zero),
    part_lse_plane: planes?.part.statePlane ?? 0,
    part_max_plane: planes?.part.maxPlane ?? 0,
    write_lse: lse ? 1 : 0,
    state_plane: planes?.result.statePlane ?? 0,
    max_plane: planes?.result.maxPlane ?? 0,
  };
  const source = combineSource(config);
  const unused = placeholder(gpu, 'read');
  target.dispatch({
    source,
    buffers: [
      bound.part.range,
      bound.partLse.range,
      bound.other?.range ?? unused,
      bound.otherLse?.range ?? unused,
      bound.out.range,
      bound.lse?.range ?? placeholder(gpu, 'write'),
    ],
    params: packParams(source.fields, values),
    workgroups: threadGrid(gpu, threads),
  });
}
