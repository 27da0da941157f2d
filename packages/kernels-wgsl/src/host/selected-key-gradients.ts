import type { Tensor } from '@heed/core';
import { bindTensor, dispatchGrid, elementCount, threadGrid } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import { knownSelection } from '../select/selection.ts';
import {
  CHUNK_PAIRS,
  chunkSumSource,
  rowVectors,
  SLICE_VECTORS,
} from '../text/kernels/chunk-sums.wgsl.ts';
import {
  type SelectedGradientConfig,
  selectedGradientSource,
} from '../text/kernels/selected-gradients.wgsl.ts';
import { variantHooks } from '../text/parts/hook.ts';
import type { WriteAccess } from '../text/parts/kinds.ts';
import { packParams, packValues } from '../text/parts/params.ts';
import { deviceClass } from '../text/tiles/device-class.ts';
import { readBytes, writeBytes } from '../text/parts/row-access.wgsl.ts';
import { factsOfCall, type FloatCall } from './attention-call.ts';
import type { Data } from './backward-launch.ts';
import { type InvertedLists, invertLists, type SelectedCall } from './inverted-lists.ts';
import type { Target } from './launch-target.ts';
import { type LaunchInputs, scaleOf, valuesOf } from './launch-values.ts';
import { keyAxes, offsetWithin, queryAxes, readAccess, stridesOf } from './memory-layout.ts';
import { fillZero } from './zero-fill.ts';

/** dk and dv, views of `whole`. */
interface KeyResult {
  readonly whole: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
  readonly write: WriteAccess;
}

interface Work extends KeyResult {
  readonly call: FloatCall & SelectedCall;
  readonly data: Data;
  readonly inverted: InvertedLists;
  /** Sums of chunks, of one kv head and one slice of columns at a time. */
  readonly parts: Tensor;
  /** Number of the first kv head, and of the first vector of a row of dk and dv. */
  readonly firstHead: number;
  readonly firstColumn: number;
}

/**
 * Computes dk and dv of selected keys, over inverted lists: for each key the pairs that name it, in an order that the lists alone
 * determine. A key that many lists name has chunks of {@link CHUNK_PAIRS} pairs, whose sums are added in their order; a key that
 * no list names has gradient 0.
 */
export function selectedKeyGradients(
  call: FloatCall & SelectedCall,
  data: Data,
  result: KeyResult,
  target: Target,
): void {
  fillZero(target, result.whole);
  const { k, q, selected } = call;
  const isEmpty = [k, q, selected.list].some(({ shape }) => elementCount(shape) === 0);
  if (isEmpty || call.batch === 0) return;
  const inverted = invertLists(target, call, data.side);
  const { sharedHeads, pairs } = inverted.sizes;
  // K is data: a plan made for shorter lists has all kernels.
  const chunks = Math.max(1, Math.floor(pairs / CHUNK_PAIRS));
  const parts = target.scratch('parts of dk dv', [chunks * SLICE_VECTORS * 4]);
  const [kVectors, vVectors] = rowVectors(call);
  for (let firstHead = 0; firstHead < sharedHeads; firstHead++) {
    for (let firstColumn = 0; firstColumn < kVectors + vVectors; firstColumn += SLICE_VECTORS) {
      const work = { ...result, call, data, inverted, parts, firstHead, firstColumn };
      launchGradients('keys', work, target, inverted.sizes.slotEnd);
      launchGradients('chunks', work, target, chunks);
      sumChunks(work, target);
    }
  }
  target.free(parts);
  target.free(inverted.words);
}

function launchGradients(
  of: SelectedGradientConfig['of'],
  work: Work,
  target: Target,
  units: number,
): void {
  const { call, data, inverted, whole, dk, dv, write, parts } = work;
  const { q, k, v } = call;
  const config: SelectedGradientConfig = {
    of,
    qType: call.dtype,
    kvType: call.kvDtype,
    headDim: call.headDim,
    headDimV: call.headDimV,
    lengths: call.lengths,
    keys: call.keys,
    read: readAccess([q, k, v, data.dOut]),
    hooks: variantHooks(call.hooks.map(({ hook }) => hook)),
    resultType: call.kvDtype,
    write,
    unroll: deviceClass(call.gpu.capabilities).unroll,
    isOneMemory: call.view?.sharedKv === true,
    chained: knownSelection(call.gpu, factsOfCall(call, true)).config.tile.path !== 'subgroup',
  };
  const [qBytes, kvBytes] = [
    readBytes(config.qType, config.read),
    readBytes(config.kvType, config.read),
  ];
  const bound = {
    q: bindTensor(q, qBytes),
    k: bindTensor(k, kvBytes),
    v: bindTensor(v, kvBytes),
    dout: bindTensor(data.dOut, qBytes),
    out:
      of === 'keys'
        ? bindTensor(whole, writeBytes(config.resultType, write))
        : bindTensor(parts, 16),
  };
  const rows = call.qHeads * call.seqlenQ;
  const inputs: LaunchInputs = {
    call,
    grid: { units, tiles: rowShapes[call.lengths].tiles(call.seqlenQ, call.batch, 1), splits: 1 },
    tile: { path: 'none' },
    strides: {
      q: stridesOf(q, bound.q, queryAxes(call)),
      k: stridesOf(k, bound.k, keyAxes(call)),
      v: stridesOf(v, bound.v, keyAxes(call)),
      dout: stridesOf(data.dOut, bound.dout, queryAxes(call)),
      lse: {
        offset: data.side.values.derived,
        batch: rows,
        head: call.seqlenQ,
        row: 1,
        dim: 0,
        split: 0,
      },
      dk: resultStrides(work, dk, bound.out.elementOffset),
      dv: resultStrides(work, dv, bound.out.elementOffset),
    },
    statePlane: rowShapes[call.lengths].outer(call.batch) * rows,
    more: [placeValues(work), inverted.values, data.side.values, data.captures.values],
  };
  const source = selectedGradientSource(config);
  target.dispatch({
    source,
    buffers: [
      bound.q.range,
      bound.k.range,
      bound.v.range,
      bound.dout.range,
      data.side.range,
      bindTensor(inverted.words).range,
      data.captures.range,
      bound.out.range,
    ],
    params: packValues(source.fields, valuesOf(source.fields, inputs)),
    workgroups: dispatchGrid(target.gpu, units),
  });
}

const placeValues = ({ firstHead, firstColumn }: Work): Record<string, number> => ({
  first_head: firstHead,
  first_column: firstColumn,
});

const resultStrides = ({ call, whole }: Work, gradient: Tensor, offset: number) =>
  stridesOf(
    gradient,
    { ...bindTensor(whole), elementOffset: offset + offsetWithin(gradient, whole) },
    keyAxes(call),
  );

function sumChunks(work: Work, target: Target): void {
  const { call, data, inverted, whole, dk, dv, write, parts } = work;
  const config = {
    headDim: call.headDim,
    headDimV: call.headDimV,
    resultType: call.kvDtype,
    write,
  };
  const out = bindTensor(whole, writeBytes(config.resultType, write));
  const source = chunkSumSource(config);
  const { keep_scale: keepScale = 1 } = data.captures.values;
  const strides = (name: string, gradient: Tensor): Record<string, number> =>
    Object.fromEntries(
      Object.entries(resultStrides(work, gradient, out.elementOffset)).map(([axis, stride]) => [
        `${name}_${axis}`,
        stride,
      ]),
    );
  const values = {
    ...inverted.values,
    ...placeValues(work),
    ...strides('dk', dk),
    ...strides('dv', dv),
    // Of one memory for keys and values, chunks have it already.
    scale: call.view?.sharedKv ? 1 : scaleOf(call),
    keep_scale: keepScale,
  };
  target.dispatch({
    source,
    buffers: [bindTensor(inverted.words).range, bindTensor(parts, 16).range, out.range],
    params: packParams(source.fields, values),
    workgroups: threadGrid(target.gpu, inverted.sizes.slotEnd * SLICE_VECTORS),
  });
}
