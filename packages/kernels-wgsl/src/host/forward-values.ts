import type { Tensor } from '@heed/core';
import type { BoundTensor } from '@heed/core/kernel';
import type { Selection } from '../select/selection.ts';
import type { ParamValues } from '../text/parts/params.ts';
import { CHUNK, THREADS_N } from '../text/tiles/thread-grid.wgsl.ts';
import { tileShape } from '../text/tiles/tile.ts';
import type { Call } from './attention-call.ts';
import { keyAxes, lseStrides, queryAxes, stridesOf } from './memory-layout.ts';
import type { BoundCaptures, BoundLengths } from './packed-words.ts';

/** The tensors of one launch, as bound. */
export interface ForwardTensors {
  readonly q: BoundTensor;
  readonly k: BoundTensor;
  readonly v: BoundTensor;
  readonly out: BoundTensor;
  readonly lse: BoundTensor | undefined;
}

/** What one launch writes, and the tables that it reads. */
export interface LaunchData {
  /** With a leading axis of splits when there are several. */
  readonly out: Tensor;
  readonly lse: Tensor | undefined;
  /** Where it is the first plane of row states: all of them. */
  readonly states?: Tensor | undefined;
  readonly lengths: BoundLengths;
  readonly captures: BoundCaptures;
}

/** The uniform block of one launch, in parts; the first is about its work. */
export function forwardValues(
  call: Call,
  selection: Selection,
  tensors: ForwardTensors,
  { out, lse, states, lengths, captures }: LaunchData,
): [work: WorkValues, ...rest: ParamValues[]] {
  const { q, k, v } = call;
  const leading = selection.splits > 1 ? 1 : 0;
  const at = {
    q: stridesOf(q, tensors.q, queryAxes(call)),
    k: stridesOf(k, tensors.k, keyAxes(call)),
    v: stridesOf(v, tensors.v, keyAxes(call)),
    out: stridesOf(out, tensors.out, queryAxes(call, leading)),
    lse: lseStrides(call, lse, tensors.lse, leading),
  };
  // Spelled out: names put together for each call cost more than all else of it.
  const own = {
    q_offset: at.q.offset,
    q_batch: at.q.batch,
    q_head: at.q.head,
    q_row: at.q.row,
    q_dim: at.q.dim,
    k_offset: at.k.offset,
    k_batch: at.k.batch,
    k_head: at.k.head,
    k_row: at.k.row,
    k_dim: at.k.dim,
    v_offset: at.v.offset,
    v_batch: at.v.batch,
    v_head: at.v.head,
    v_row: at.v.row,
    v_dim: at.v.dim,
    out_offset: at.out.offset,
    out_batch: at.out.batch,
    out_head: at.out.head,
    out_row: at.out.row,
    out_dim: at.out.dim,
    out_split: leading ? out.strides[0]! : 0,
    lse_offset: at.lse.offset,
    lse_batch: at.lse.batch,
    lse_head: at.lse.head,
    lse_row: at.lse.row,
    lse_split: at.lse.split,
    write_lse: lse ? 1 : 0,
    state_plane: states?.strides[0] ?? 0,
  };
  return [
    workValues(call, selection),
    callValues(call),
    own,
    lengths.values,
    captures.values,
    loopBounds(selection.config),
  ];
}

type WorkValues = Record<'units' | 'tiles' | 'splits', number>;

/** The grid: tiles × splits × heads. */
function workValues(call: Call, { config, splits }: Selection): WorkValues {
  const { batch, seqlenQ, qHeads, kvHeads, lengths } = call;
  const { tileM } = tileShape(config.tile);
  const rows = config.rows === 'group' ? seqlenQ * groupSize(call) : seqlenQ;
  const heads = config.rows === 'group' ? kvHeads : qHeads;
  const tiles =
    lengths === 'dense' ? batch * Math.ceil(rows / tileM) : packedTiles(rows, batch, tileM);
  return {
    units: tiles * splits * heads,
    tiles,
    splits,
  };
}

/** What every kernel of a call is told, forward and backward. */
export function callValues(call: Call): Record<string, number> {
  const { batch, seqlenQ, seqlenK, options } = call;
  return {
    batch,
    group: groupSize(call),
    seqlen_q: seqlenQ,
    seqlen_k: seqlenK,
    table_row: call.maxPages,
    pages: call.pages,
    page_size: call.pageSize,
    align_end: options.align === 'start' ? 0 : 1,
    scale: options.scale ?? 1 / Math.sqrt(call.headDim),
  };
}

/** Query heads of a kv head. */
function groupSize({ qHeads, kvHeads }: Call): number {
  return kvHeads === 0 ? 1 : qHeads / kvHeads;
}

/**
 * Query tiles of `sequences` packed sequences: each of them, and the rows after the last, may need one tile more than its
 * share. The kernel's `first_tile` numbers them.
 */
export function packedTiles(rows: number, sequences: number, tileM: number): number {
  return Math.floor(rows / tileM) + sequences + 1;
}

type LoopConfig = Pick<Selection['config'], 'headDim' | 'headDimV' | 'tile'>;

/** Loop bounds that a compiler must not know; see repeat.ts. */
export function loopBounds({ headDim, headDimV, tile }: LoopConfig): Record<string, number> {
  return {
    q_vecs: Math.ceil(headDim / 4),
    v_vecs: Math.ceil(headDimV / 4),
    chunk_vecs: THREADS_N,
    q_chunks: Math.ceil(headDim / CHUNK),
    v_chunks: Math.ceil(headDimV / CHUNK),
    key_turns: tile.path === 'subgroup' ? tile.keysPerLane : 1,
  };
}
