import type { Tensor } from '@heed/core';
import type { BoundTensor } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import type { Selection } from '../select/selection.ts';
import type { RowKind } from '../text/parts/kinds.ts';
import { tileShape } from '../text/tiles/tile-paths.ts';
import type { Call } from './attention-call.ts';
import type { BoundMask } from './bound-mask.ts';
import { groupSize, type LaunchInputs, type LaunchGrid } from './launch-values.ts';
import { keyAxes, lseStrides, queryAxes, type Strides, stridesOf } from './memory-layout.ts';
import type { BoundCaptures, BoundLengths } from './packed-words.ts';

/** Tensors of one launch, as bound. */
export interface ForwardTensors {
  readonly q: BoundTensor;
  readonly k: BoundTensor;
  readonly v: BoundTensor;
  readonly out: BoundTensor;
  readonly lse: BoundTensor | undefined;
}

/** Per-row results of a kernel, as planes of one tensor: [planes, …], lse first. */
export interface RowPlanes {
  readonly whole: Tensor;
  /** Words from lse to the row maximum, and from the row maximum to the row sum; 0 if neither is kept. */
  readonly statePlane: number;
  /** Words from lse to the largest score of each row, in the last plane; 0 if it is not kept. */
  readonly maxPlane: number;
}

/** Results of one launch, and the tables that it reads. */
export interface LaunchData {
  /** Has a leading axis of splits if there are several. */
  readonly out: Tensor;
  readonly lse: Tensor | undefined;
  /** All planes of rows, if lse is the first of several. */
  readonly planes?: RowPlanes | undefined;
  readonly lengths: BoundLengths;
  readonly captures: BoundCaptures;
  /** States of rows over shared keys, from which a suffix pass goes on. */
  readonly states?: Tensor | undefined;
}

/** The strides of a result that the kernel does not write. */
export const notWritten: Strides = { offset: 0, batch: 0, head: 0, row: 0, dim: 0, split: 0 };

/** Returns the inputs of one launch's parameters. */
export function forwardInputs(
  call: Call,
  selection: Selection,
  tensors: ForwardTensors,
  { out, lse, planes, lengths, captures }: LaunchData,
  mask: BoundMask,
): LaunchInputs {
  const { q, k, v } = call;
  const leading = selection.splits > 1 ? 1 : 0;
  return {
    call,
    grid: forwardGrid(call, selection),
    tile: selection.config.tile,
    strides: {
      q: stridesOf(q, tensors.q, queryAxes(call)),
      k: stridesOf(k, tensors.k, keyAxes(call)),
      v: stridesOf(v, tensors.v, keyAxes(call)),
      out: stridesOf(out, tensors.out, queryAxes(call, leading), leading),
      lse: lse ? lseStrides(call, lse, tensors.lse!, leading) : notWritten,
    },
    writesLse: lse !== undefined,
    statePlane: planes?.statePlane ?? 0,
    maxPlane: planes?.maxPlane ?? 0,
    more: [lengths.values, captures.values, mask.values],
  };
}

/** Returns the grid: tiles × splits × heads. */
function forwardGrid(call: Call, { config, splits }: Selection): LaunchGrid {
  const { tileM } = tileShape(config.tile);
  const { tiles, heads } = queryTiles(call, config.rows, tileM);
  return { units: tiles * splits * heads, tiles, splits };
}

/** Returns the query tiles of a launch, and the heads that have as many. */
export function queryTiles(
  call: Call,
  kind: RowKind,
  tileM: number,
): { readonly tiles: number; readonly heads: number } {
  const { batch, seqlenQ, qHeads, kvHeads, lengths, selected } = call;
  const perPosition = kind === 'group' ? groupSize(call) : 1;
  const heads = kind === 'group' ? kvHeads : qHeads;
  const { tiles } = rowShapes[lengths];
  // A tile of selected keys has rows of one position only.
  if (selected) return { tiles: tiles(seqlenQ * Math.ceil(perPosition / tileM), batch, 1), heads };
  return { tiles: tiles(seqlenQ * perPosition, batch, tileM), heads };
}
