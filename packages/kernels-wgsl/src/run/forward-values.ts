import type { Tensor } from '@heed/core';
import type { BoundTensor } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { Selection } from '../plan/select.ts';
import { tileShape } from '../tiles/compute.ts';
import type { ParamValues } from '../wgsl/params.ts';
import type { BoundCaptures } from './captures.ts';
import type { BoundLengths } from './lengths.ts';
import { keyAxes, lseStrides, queryAxes, stridesOf } from './strides.ts';
import { callValues, groupSize, loopBounds, packedTiles } from './values.ts';

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
