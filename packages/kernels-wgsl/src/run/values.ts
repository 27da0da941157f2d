import type { Tensor } from '@heed/core';
import type { BoundTensor } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { Selection } from '../plan/select.ts';
import { tileShape } from '../tiles/compute.ts';
import { CHUNK, THREADS_N } from '../tiles/portable/config.ts';
import type { ParamValues } from '../wgsl/params.ts';
import type { BoundCaptures } from './captures.ts';
import type { BoundLengths } from './lengths.ts';
import { keyAxes, lseStrideValues, queryAxes, strideValues } from './strides.ts';

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
  readonly lengths: BoundLengths;
  readonly captures: BoundCaptures;
}

/** The uniform block of one launch. */
export function forwardValues(
  call: Call,
  selection: Selection,
  tensors: ForwardTensors,
  { out, lse, lengths, captures }: LaunchData,
): ParamValues {
  const { q, k, v } = call;
  const leading = selection.splits > 1 ? 1 : 0;
  return {
    ...callValues(call),
    ...workValues(call, selection),
    ...loopBounds(selection.config),
    ...strideValues('q', q, tensors.q, queryAxes(call)),
    ...strideValues('k', k, tensors.k, keyAxes(call)),
    ...strideValues('v', v, tensors.v, keyAxes(call)),
    ...strideValues('out', out, tensors.out, queryAxes(call, leading)),
    out_split: leading ? out.strides[0]! : 0,
    ...lseStrideValues(call, lse, tensors.lse, leading),
    ...lengths.values,
    write_lse: lse ? 1 : 0,
    ...captures.values,
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

function groupSize({ qHeads, kvHeads }: Call): number {
  return kvHeads === 0 ? 1 : qHeads / kvHeads;
}

/** The grid: tiles × splits × heads. */
function workValues(call: Call, { config, splits }: Selection): Record<string, number> {
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

/**
 * Query tiles of `sequences` packed sequences: each of them, and the rows after the last, may need one tile more than its
 * share. The kernel's `first_tile` numbers them.
 */
export function packedTiles(rows: number, sequences: number, tileM: number): number {
  return Math.floor(rows / tileM) + sequences + 1;
}

type LoopConfig = Pick<Selection['config'], 'headDim' | 'headDimV' | 'tile'>;

/** Loop bounds that a compiler must not know; see wgsl/loop.ts. */
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
