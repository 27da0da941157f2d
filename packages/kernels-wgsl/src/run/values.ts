import type { Tensor } from '@heed/core';
import type { BoundTensor } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import { bandValues } from '../hooks/band.ts';
import type { Selection } from '../plan/select.ts';
import { tileShape } from '../tiles/compute.ts';
import { CHUNK, THREADS_N } from '../tiles/portable/config.ts';
import type { ParamValues } from '../wgsl/params.ts';
import type { BoundCaptures } from './captures.ts';
import type { BoundLengths } from './lengths.ts';

/** The tensors of one launch, as bound. */
export interface ForwardTensors {
  readonly q: BoundTensor;
  readonly k: BoundTensor;
  readonly v: BoundTensor;
  readonly out: BoundTensor;
  readonly lse: BoundTensor | undefined;
}

interface Bound {
  readonly out: Tensor;
  readonly lse: Tensor | undefined;
  readonly lengths: BoundLengths;
  readonly captures: BoundCaptures;
}

/** The uniform block of one launch. */
export function forwardValues(call: Call, selection: Selection, tensors: ForwardTensors, bound: Bound): ParamValues {
  const { options } = call;
  const { captures } = bound;
  const split = selection.splits > 1 ? 1 : 0;
  return {
    ...workValues(call, selection),
    ...inputStrides('q', call.q, tensors.q, call.lengths === 'dense' ? dense : packed),
    ...inputStrides('k', call.k, tensors.k, keyAxes(call)),
    ...inputStrides('v', call.v, tensors.v, keyAxes(call)),
    ...inputStrides('out', bound.out, tensors.out, shifted(call.lengths === 'dense' ? dense : packed, split)),
    out_split: split ? bound.out.strides[0]! : 0,
    ...lseStrides(call, bound.lse, tensors.lse, split),
    ...bound.lengths.values,
    table_row: call.maxPages,
    pages: call.pages,
    page_size: call.pageSize,
    align_end: options.align === 'start' ? 0 : 1,
    write_lse: bound.lse ? 1 : 0,
    scale: options.scale ?? 1 / Math.sqrt(call.headDim),
    softcap: options.softcap ?? 0,
    ...captures.slopes,
    ...captures.sinks,
    ...bandValues(options.causal ?? false, options.window ?? [-1, -1]),
  };
}

/** The grid: tiles × splits × heads, and the sizes the kernel derives the rest from. */
function workValues(call: Call, { config, splits }: Selection): Record<string, number> {
  const { batch, seqlenQ, seqlenK, qHeads, kvHeads, lengths } = call;
  const group = kvHeads === 0 ? 1 : qHeads / kvHeads;
  const { tileM } = tileShape(config.tile);
  const rows = config.rows === 'group' ? seqlenQ * group : seqlenQ;
  const heads = config.rows === 'group' ? kvHeads : qHeads;
  // Packed: each of the N sequences, and the rows after the last, may need one tile more than its share.
  const tiles = lengths === 'dense' ? batch * Math.ceil(rows / tileM) : Math.floor(rows / tileM) + batch + 1;
  return {
    units: seqlenQ === 0 ? 0 : tiles * splits * heads,
    tiles, splits, batch, group, seqlen_q: seqlenQ, seqlen_k: seqlenK,
    ...loopBounds(config),
  };
}

function loopBounds({ headDim, headDimV }: Selection['config']): Record<string, number> {
  return {
    q_vecs: Math.ceil(headDim / 4),
    v_vecs: Math.ceil(headDimV / 4),
    chunk_vecs: THREADS_N,
    v_chunks: Math.ceil(headDimV / CHUNK),
  };
}

interface Axes {
  readonly batch: number | undefined;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}

const dense: Axes = { batch: 0, head: 1, row: 2, dim: 3 };
const packed: Axes = { batch: undefined, head: 1, row: 0, dim: 2 };
// [pages, pageSize, Hkv, D]: the stride of a page takes the place of a batch stride.
const paged: Axes = { batch: 0, head: 2, row: 1, dim: 3 };

function keyAxes({ keys, lengths }: Call): Axes {
  if (keys === 'paged') return paged;
  return lengths === 'dense' ? dense : packed;
}

function shifted({ batch, head, row, dim }: Axes, by: number): Axes {
  return { batch: batch === undefined ? undefined : batch + by, head: head + by, row: row + by, dim: dim + by };
}

function inputStrides(name: string, { shape, strides }: Tensor, bound: BoundTensor, axes: Axes): Record<string, number> {
  // A batch of 1 serves every batch entry.
  const stride = (axis: number | undefined): number => (axis === undefined || shape[axis] === 1 ? 0 : strides[axis]!);
  return {
    [`${name}_offset`]: bound.elementOffset,
    [`${name}_batch`]: stride(axes.batch),
    [`${name}_head`]: stride(axes.head),
    [`${name}_row`]: stride(axes.row),
    [`${name}_dim`]: stride(axes.dim),
  };
}

function lseStrides(call: Call, lse: Tensor | undefined, bound: BoundTensor | undefined, split: number): Record<string, number> {
  const strides = lse?.strides.slice(split) ?? [0, 0, 0];
  const [batch, head, row] = call.lengths === 'dense' ? strides : [0, ...strides];
  return {
    lse_offset: bound?.elementOffset ?? 0,
    lse_batch: batch!, lse_head: head!, lse_row: row!,
    lse_split: split && lse ? lse.strides[0]! : 0,
  };
}
