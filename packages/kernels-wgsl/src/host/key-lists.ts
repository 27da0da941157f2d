import { LimitError, type Tensor } from '@heed/core';
import { bindTensor, dispatchGrid, elementCount, placeholder } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import { variantHooks } from '../text/parts/hook.ts';
import type { FloatType } from '../text/parts/kinds.ts';
import { packValues, type ParamValues } from '../text/parts/params.ts';
import { readBytes } from '../text/parts/row-access.wgsl.ts';
import { type KeyScoresConfig, keyScoresSource } from '../text/kernels/key-scores.wgsl.ts';
import { keySelectionSource, selectionLoops } from '../text/kernels/key-selection.wgsl.ts';
import { deviceClass } from '../text/tiles/device-class.ts';
import type { PortableTile } from '../text/tiles/portable-tile.ts';
import { gridShape } from '../text/tiles/thread-grid.wgsl.ts';
import type { Call } from './attention-call.ts';
import { checkMemory, recorderTarget, type Target } from './launch-target.ts';
import { type LaunchInputs, valuesOf } from './launch-values.ts';
import {
  keyAxes,
  named,
  queryAxes,
  readAccess,
  type RowStrides,
  stridesOf,
} from './memory-layout.ts';
import {
  bindCaptures,
  bindLengths,
  type BoundCaptures,
  type BoundLengths,
} from './packed-words.ts';
import { fillZero } from './zero-fill.ts';

/** One checked call of `topKeys`. */
export interface TopKeysCall {
  /** q, and k as k and v; its score hooks replace relu. */
  readonly call: Call;
  /** Entries per row. */
  readonly topK: number;
  /** [B, Hi, Lq] or [Tq, Hi]. */
  readonly weights: Tensor | undefined;
  /** Keys per entry. */
  readonly blockSize: number;
}

/** Limit of the scratch memory for scores, in bytes. */
const MAX_SCRATCH = 64 * 2 ** 20;

/** Returns the entries with the largest scores of each row: i32 [B, 1, Lq, topK] or [Tq, 1, topK]. */
export function runTopKeys(top: TopKeysCall): Tensor<'i32'> {
  const { gpu } = top.call;
  return gpu.batch(() => selectKeys(top, recorderTarget(gpu)));
}

function selectKeys(top: TopKeysCall, target: Target): Tensor<'i32'> {
  const { call, topK } = top;
  const shape = rowShapes[call.lengths].outShape({ ...call, qHeads: 1, headDimV: topK });
  const fix = 'Call it for fewer rows at a time, or with a smaller topK.';
  checkMemory(target, call.fn, elementCount(shape), 'the result', fix);
  const out = target.result('top keys', shape, 'i32');
  if (elementCount(shape) > 0) selectInto(top, out, target);
  return out;
}

function selectInto(top: TopKeysCall, out: Tensor, target: Target): void {
  const { call } = top;
  const plan = planChunks(top, target);
  const lengths = bindLengths(target, call);
  const captures = bindCaptures(target, { hooks: call.hooks, options: {} });
  const rows = Math.min(plan.tilesPerChunk, plan.tiles) * plan.positions;
  const orders = target.scratch('key scores', [rows, plan.columns], 'u32');
  const data = { top, plan, lengths, captures, orders, out };
  for (let first = 0; first < plan.tiles; first += plan.tilesPerChunk) {
    const chunk = { first, tiles: Math.min(plan.tilesPerChunk, plan.tiles - first) };
    fillZero(target, orders);
    if (plan.keyTiles > 0) launchScores(data, chunk, target);
    launchSelection(data, chunk, target);
  }
  target.free(orders);
  lengths.release();
  captures.release();
}

/** How the rows of a call are done: query tiles, as many at a time as the scratch memory holds. */
interface ChunkPlan {
  readonly tile: PortableTile;
  /** Heads of a tile. */
  readonly heads: number;
  /** Query positions of a tile. */
  readonly positions: number;
  readonly tiles: number;
  readonly keyTiles: number;
  /** Entries that the memory of a row has. */
  readonly columns: number;
  readonly tilesPerChunk: number;
}

/** Query tiles that are done at a time. */
interface Chunk {
  /** First query tile. */
  readonly first: number;
  readonly tiles: number;
}

interface ChunkData {
  readonly top: TopKeysCall;
  readonly plan: ChunkPlan;
  readonly lengths: BoundLengths;
  readonly captures: BoundCaptures;
  /** The scores of a chunk's rows: u32 [rows, columns]. */
  readonly orders: Tensor;
  readonly out: Tensor;
}

/** Columns are read by the vector. */
const VECTOR = 4;

function planChunks({ call, blockSize }: TopKeysCall, { maxBytes }: Target): ChunkPlan {
  const { fn, gpu, qHeads, batch, seqlenQ, lengths } = call;
  const { unroll } = deviceClass(gpu.capabilities);
  const tile: PortableTile = { path: 'portable', threadsM: 8, rowsPerThread: 4, unroll };
  const { tileM, tileN } = gridShape(tile);
  const keys = longestKeys(call);
  const columns = Math.max(VECTOR, Math.ceil(Math.ceil(keys / blockSize) / VECTOR) * VECTOR);
  const rowsThatFit = Math.floor(Math.min(MAX_SCRATCH, maxBytes) / (4 * columns));
  if (rowsThatFit < 1) {
    const most = Math.floor(Math.min(MAX_SCRATCH, maxBytes) / 4) * blockSize;
    throw new LimitError(
      `${fn}: a row may have at most ${most} keys with blockSize ${blockSize}, since its scores must fit 64 MiB; got ${keys}. Pass a larger blockSize, or parts of k.`,
    );
  }
  const heads = largestDivisor(qHeads, tileM);
  const positions = heads < qHeads ? 1 : Math.min(Math.floor(tileM / heads), rowsThatFit);
  return {
    tile,
    heads,
    positions,
    tiles: rowShapes[lengths].tiles(seqlenQ, batch, positions),
    keyTiles: Math.ceil(keys / tileN),
    columns,
    tilesPerChunk: Math.floor(rowsThatFit / positions),
  };
}

/** Returns the largest number of keys that a sequence may have, as far as the host knows it. */
function longestKeys({ seqlenK, given: { cuK, used } }: Call): number {
  const ofLists: number[] = [];
  if (cuK instanceof Int32Array) {
    ofLists.push(cuK.reduce((most, end, b) => Math.max(most, end - (cuK[b - 1] ?? end)), 0));
  }
  if (used instanceof Int32Array) ofLists.push(used.reduce((a, b) => Math.max(a, b), 0));
  return Math.min(seqlenK, ...ofLists);
}

/** Returns the largest divisor of n that is at most `most`. */
function largestDivisor(n: number, most: number): number {
  let divisor = Math.min(n, most);
  while (n % divisor !== 0) divisor--;
  return divisor;
}

function launchScores(data: ChunkData, chunk: Chunk, target: Target): void {
  const { top, plan, lengths, captures, orders } = data;
  const { call, weights, blockSize } = top;
  const config: KeyScoresConfig = {
    qType: call.dtype,
    kType: call.kvDtype,
    weightType: weights?.dtype as FloatType | undefined,
    headDim: call.headDim,
    lengths: call.lengths,
    keys: call.keys,
    read: readAccess([call.q, call.k], true),
    hooks: variantHooks(call.hooks.map(({ hook }) => hook)),
    positions: plan.positions,
    heads: plan.heads,
    inBlocks: blockSize > 1,
    tile: plan.tile,
  };
  const bound = {
    q: bindTensor(call.q, readBytes(config.qType, config.read)),
    k: bindTensor(call.k, readBytes(config.kType, config.read)),
  };
  const ofWeights = weights && bindTensor(weights);
  const units = chunk.tiles * plan.keyTiles;
  const inputs: LaunchInputs = {
    // A tile takes some heads at a time.
    call: { ...call, qHeads: plan.heads, kvHeads: 1 },
    grid: { units, tiles: chunk.tiles, splits: 1 },
    tile: plan.tile,
    strides: {
      q: stridesOf(call.q, bound.q, queryAxes(call)),
      k: stridesOf(call.k, bound.k, keyAxes(call)),
      v: stridesOf(call.k, bound.k, keyAxes(call)),
    },
    statePlane: 0,
    more: [
      chunkValues(data, chunk),
      { head_groups: call.qHeads / plan.heads },
      weights ? named('weights', ofWeights!.elementOffset, weightStrides(call, weights)) : {},
      lengths.values,
      captures.values,
    ],
  };
  const source = keyScoresSource(config);
  target.dispatch({
    source,
    buffers: [
      bound.q.range,
      bound.k.range,
      lengths.range,
      captures.range,
      ofWeights?.range ?? placeholder(target.gpu, 'read'),
      bindTensor(orders).range,
    ],
    params: packValues(source.fields, valuesOf(source.fields, inputs)),
    workgroups: dispatchGrid(target.gpu, units),
  });
}

/** Returns the strides of weights [B, Hi, Lq] or [Tq, Hi] by axis, as those of a tensor of head dim 1. */
function weightStrides(call: Call, { strides }: Tensor): RowStrides & { readonly batch: number } {
  const [batch, head, row] = call.lengths === 'dense' ? strides : [0, strides[1]!, strides[0]!];
  return { batch: batch!, outer: 0, head: head!, row: row!, dim: 1, step: 0 };
}

function launchSelection(data: ChunkData, chunk: Chunk, target: Target): void {
  const { top, plan, lengths, orders, out } = data;
  const { call, topK } = top;
  const { positions } = plan;
  const units = chunk.tiles * positions;
  const source = keySelectionSource({ lengths: call.lengths, keys: call.keys, positions });
  const inputs: LaunchInputs = {
    call,
    grid: { units, tiles: chunk.tiles, splits: 1 },
    tile: plan.tile,
    strides: { out: stridesOf(out, bindTensor(out), queryAxes(call)) },
    statePlane: 0,
    more: [chunkValues(data, chunk), { top_k: topK }, selectionLoops, lengths.values],
  };
  target.dispatch({
    source,
    buffers: [lengths.range, bindTensor(orders, 16).range, bindTensor(out).range],
    params: packValues(source.fields, valuesOf(source.fields, inputs)),
    workgroups: dispatchGrid(target.gpu, units),
  });
}

const chunkValues = ({ plan, top }: ChunkData, { first }: Chunk): ParamValues => ({
  first_tile: first,
  columns: plan.columns,
  block_size: top.blockSize,
});
