import type { Tensor } from '@heed/core';
import { bindTensor, type BoundTensor, dispatchGrid } from '@heed/core/kernel';
import { type Axes, rowShapes } from '../select/row-shapes.ts';
import { backwardSource } from '../text/kernels/backward.wgsl.ts';
import { type ScoreHook, variantHooks } from '../text/parts/hook.ts';
import type { GradientOf } from '../text/parts/kinds.ts';
import { packValues, type ParamValues } from '../text/parts/params.ts';
import { readBytes, writeBytes } from '../text/parts/row-access.wgsl.ts';
import type { BackwardConfig } from '../text/tiles/kernel-config.ts';
import {
  backwardShape,
  gradientWorkgroups,
  readsWide,
  type TileConfig,
} from '../text/tiles/tile-paths.ts';
import type { Call } from './attention-call.ts';
import { bindMask } from './bound-mask.ts';
import { queryTiles } from './forward-values.ts';
import type { Target } from './launch-target.ts';
import { type LaunchGrid, type LaunchInputs, valuesOf } from './launch-values.ts';
import {
  keyAxes,
  offsetWithin,
  queryAxes,
  readAccess,
  type Strides,
  stridesOf,
} from './memory-layout.ts';
import type { BoundCaptures, BoundLengths } from './packed-words.ts';

/** Inputs and outputs of one launch. */
interface BackwardLaunch {
  readonly of: GradientOf;
  /** For gradients of tables: the score hooks whose tables get one. */
  readonly collects?: readonly ScoreHook[];
  readonly dOut: Tensor;
  readonly side: BoundLengths;
  readonly captures: BoundCaptures;
  /** The tensor that is bound; the gradients are views of it. */
  readonly whole: Tensor;
  readonly results: { readonly out?: Tensor; readonly dk?: Tensor; readonly dv?: Tensor };
  /** Axes of the gradients. */
  readonly axes: Axes;
  readonly tiles: GradientTiles;
}

/** The tile of each kernel. */
export type GradientTiles = (of: GradientOf) => TileConfig;

interface Bound {
  readonly q: BoundTensor;
  readonly k: BoundTensor;
  readonly v: BoundTensor;
  readonly dout: BoundTensor;
  readonly out: BoundTensor;
}

/** Returns the inputs of one launch's parameters. */
function backwardInputs(
  call: Call,
  config: BackwardConfig,
  { dOut, side, captures, whole, results, axes }: BackwardLaunch,
  bound: Bound,
  more: ParamValues,
): LaunchInputs {
  const { q, k, v } = call;
  const result = (tensor: Tensor | undefined): Strides | undefined => {
    if (!tensor) return undefined;
    const elementOffset = bound.out.elementOffset + offsetWithin(tensor, whole);
    return stridesOf(tensor, { ...bound.out, elementOffset }, axes);
  };
  // Row states are indexed [outer, head, row], in words.
  const rows = call.qHeads * call.seqlenQ;
  const states = { batch: rows, head: call.seqlenQ, row: 1, dim: 0, split: 0 };
  return {
    call,
    grid: backwardGrid(call, config),
    tile: config.tile,
    strides: {
      q: stridesOf(q, bound.q, queryAxes(call)),
      k: stridesOf(k, bound.k, keyAxes(call)),
      v: stridesOf(v, bound.v, keyAxes(call)),
      dout: stridesOf(dOut, bound.dout, queryAxes(call)),
      lse: { offset: side.values.derived, ...states },
      out: result(results.out),
      dk: result(results.dk),
      dv: result(results.dv),
    },
    statePlane: rowShapes[call.lengths].outer(call.batch) * rows,
    more: [side.values, captures.values, more],
  };
}

/** Returns the grid: tiles × heads, where tiles are of queries or of keys. */
function backwardGrid(call: Call, config: BackwardConfig): LaunchGrid {
  const { tileM, tileN } = backwardShape(config);
  const { tiles, heads } =
    config.of === 'kv' ? keyTiles(call, tileN) : queryTiles(call, config.rows, tileM);
  return { units: tiles * heads * gradientWorkgroups(config), tiles, splits: 1 };
}

function keyTiles(
  { batch, seqlenK, kvHeads, lengths, keys }: Call,
  tileN: number,
): ReturnType<typeof queryTiles> {
  // The grid covers, for every sequence, all keys that a row of the block table can address.
  const layout = keys === 'paged' ? 'dense' : lengths;
  return { tiles: rowShapes[layout].tiles(seqlenK, batch, tileN), heads: kvHeads };
}

/** Inputs that all backward kernels of a call read besides q, k and v, and the kernels' tiles. */
export type Data = Pick<BackwardLaunch, 'dOut' | 'side' | 'captures' | 'tiles'>;

/** Dispatches one backward kernel. */
export function launch(
  call: Call,
  work: BackwardLaunch,
  resultType: BackwardConfig['resultType'],
  write: BackwardConfig['write'],
  target: Target,
  extra: ParamValues = {},
): void {
  const { gpu, q, k, v, hooks } = call;
  const { dOut, of, collects, tiles } = work;
  const tile = tiles(of);
  const config: BackwardConfig = {
    of,
    collects,
    qType: call.dtype,
    kvType: call.kvDtype,
    headDim: call.headDim,
    headDimV: call.headDimV,
    lengths: call.lengths,
    keys: call.keys,
    selectedBlock: call.selected?.blockSize ?? 0,
    rows: call.selected?.rows ?? 'head',
    hooks: variantHooks(hooks.map(({ hook }) => hook)),
    read: readAccess([q, k, v, dOut], readsWide(tile)),
    resultType,
    write,
    tile,
  };
  const [qBytes, kvBytes] = [
    readBytes(config.qType, config.read),
    readBytes(config.kvType, config.read),
  ];
  const tensors = {
    q: bindTensor(q, qBytes),
    k: bindTensor(k, kvBytes),
    v: bindTensor(v, kvBytes),
    dout: bindTensor(dOut, qBytes),
    out: bindTensor(work.whole, writeBytes(resultType, write)),
  };
  const source = backwardSource(config);
  const mask = bindMask(call);
  const parameters = backwardInputs(call, config, work, tensors, { ...mask.values, ...extra });
  target.dispatch({
    source,
    buffers: [
      tensors.q.range,
      tensors.k.range,
      tensors.v.range,
      tensors.dout.range,
      work.side.range,
      mask.range,
      work.captures.range,
      tensors.out.range,
    ],
    params: packValues(source.fields, valuesOf(source.fields, parameters)),
    workgroups: dispatchGrid(gpu, parameters.grid.units),
  });
}
