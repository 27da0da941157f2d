import type { Tensor } from '@heed/core';
import type { BoundTensor } from '@heed/core/kernel';
import type { GradientOf } from '../text/parts/kinds.ts';
import type { ParamValues } from '../text/parts/params.ts';
import type { BackwardConfig } from '../text/tiles/kernel-config.ts';
import { backwardShape, type GradientTile } from '../text/tiles/tile.ts';
import type { Call } from './attention-call.ts';
import { callValues, loopBounds, packedTiles } from './forward-values.ts';
import { offsetWithin } from './memory-layout.ts';
import { type Axes, keyAxes, queryAxes, type Strides, stridesOf } from './memory-layout.ts';
import type { BoundCaptures, BoundLengths } from './packed-words.ts';

/** What one launch reads and writes. */
export interface BackwardLaunch {
  readonly of: GradientOf;
  readonly dOut: Tensor;
  readonly side: BoundLengths;
  readonly captures: BoundCaptures;
  /** What is bound, and the gradients that lie in it. */
  readonly whole: Tensor;
  readonly results: { readonly out?: Tensor; readonly dk?: Tensor; readonly dv?: Tensor };
  /** Of the gradients. */
  readonly axes: Axes;
  readonly tiles: GradientTiles;
}

/** The tile of each kernel. */
export type GradientTiles = (of: GradientOf) => GradientTile;

interface Bound {
  readonly q: BoundTensor;
  readonly k: BoundTensor;
  readonly v: BoundTensor;
  readonly dout: BoundTensor;
  readonly out: BoundTensor;
}

/** The uniform block of one launch. */
export function backwardValues(
  call: Call,
  config: BackwardConfig,
  { dOut, side, captures, whole, results, axes }: BackwardLaunch,
  bound: Bound,
): ParamValues {
  const { q, k, v } = call;
  const result = (name: string, tensor: Tensor | undefined): ParamValues => {
    const inside = tensor ? offsetWithin(tensor, whole) : 0;
    const at = { ...bound.out, elementOffset: bound.out.elementOffset + inside };
    return named(name, stridesOf(tensor ?? whole, at, tensor ? axes : noAxes));
  };
  const isDense = call.lengths === 'dense';
  const own = {
    out_split: 0,
    // Row states are [batch, head, row] words, or [head, row].
    lse_offset: side.values.derived,
    lse_batch: isDense ? call.qHeads * call.seqlenQ : 0,
    lse_head: call.seqlenQ,
    lse_row: 1,
    lse_split: 0,
    state_plane: (isDense ? call.batch : 1) * call.qHeads * call.seqlenQ,
  };
  return Object.assign(
    own,
    callValues(call),
    workValues(call, config),
    loopBounds(config),
    named('q', stridesOf(q, bound.q, queryAxes(call))),
    named('k', stridesOf(k, bound.k, keyAxes(call))),
    named('v', stridesOf(v, bound.v, keyAxes(call))),
    named('dout', stridesOf(dOut, bound.dout, queryAxes(call))),
    result('out', results.out),
    result('dk', results.dk),
    result('dv', results.dv),
    side.values,
    captures.values,
  );
}

/** As parameters of a tensor with this name. */
function named(tensor: string, strides: Strides): Record<string, number> {
  const entries = Object.entries(strides) as [string, number][];
  return Object.fromEntries(entries.map(([name, value]) => [`${tensor}_${name}`, value]));
}

const noAxes: Axes = { batch: undefined, head: 0, row: 0, dim: 0 };

/** The grid: tiles × heads, of queries or of keys. */
function workValues(call: Call, config: BackwardConfig): Record<string, number> {
  const { batch, seqlenQ, seqlenK, qHeads, kvHeads, lengths, keys } = call;
  const { tileM, tileN } = backwardShape(config);
  const ofQueries = config.of !== 'kv';
  const [length, tile] = ofQueries ? [seqlenQ, tileM] : [seqlenK, tileN];
  const isEven = lengths === 'dense' || (!ofQueries && keys === 'paged');
  const tiles = isEven ? batch * Math.ceil(length / tile) : packedTiles(length, batch, tile);
  return {
    units: tiles * (ofQueries ? qHeads : kvHeads),
    tiles,
    splits: 1,
  };
}
