import { LimitError, type Tensor } from '@heed/core';
import { bindTensor, dispatchGrid, elementCount, knownList } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import { variantHooks } from '../text/parts/hook.ts';
import {
  pairWeightsSource,
  type PairWeightsConfig,
  WEIGHT_THREADS,
} from '../text/kernels/pair-weights.wgsl.ts';
import { packValues } from '../text/parts/params.ts';
import { readBytes } from '../text/parts/row-access.wgsl.ts';
import type { Call } from './attention-call.ts';
import { bindMask } from './bound-mask.ts';
import { runCall } from './forward-pass.ts';
import { recorderTarget, type Target } from './launch-target.ts';
import { type LaunchInputs, valuesOf } from './launch-values.ts';
import { keyAxes, lseStrides, queryAxes, readAccess, stridesOf } from './memory-layout.ts';
import { bindCaptures, bindLengths } from './packed-words.ts';
import { fillZero } from './zero-fill.ts';

/** One checked call of `attentionWeights` or `keyMass`. */
export interface WeightsCall {
  /** q, and k as k and v. */
  readonly call: Call;
  /** [B, Hq, Lq] or [Hq, Tq]; computed if it is not given. */
  readonly lse: Tensor | undefined;
  /** Of attentionWeights: the first query row, and one past the last. */
  readonly rows: readonly [start: number, end: number];
}

/** Returns the weights of rows: f32 [B, Hq, rows, Lk] or [Hq, rows, C]. */
export function rowWeights(given: WeightsCall): Tensor<'f32'> {
  const { call, rows } = given;
  const { batch, qHeads, lengths } = call;
  const columns = slotOf(call);
  const outer = lengths === 'dense' ? [batch, qHeads] : [qHeads];
  const perRow = elementCount(outer) * columns;
  return weights('rows', given, [...outer, rows[1] - rows[0], columns], (max) => {
    const most = Math.floor(max / 4 / perRow);
    return most > 0
      ? `Pass rows: [start, end] of at most ${most} rows at a time.`
      : 'Call it for fewer heads at a time, one row each.';
  });
}

/** Returns each key's weights, summed over the queries in ascending order: f32 [B, Hq, Lk] or [N, Hq, C]. */
export function keySums(given: WeightsCall): Tensor<'f32'> {
  const { call } = given;
  const { batch, qHeads } = call;
  const columns = slotOf(call);
  return weights('keys', given, [batch, qHeads, columns], (max) => {
    const most = Math.floor(max / 4 / (qHeads * columns));
    return most > 0
      ? `Call it for at most ${most} sequences at a time.`
      : 'Call it for fewer heads at a time.';
  });
}

/** Returns the capacity of the longest sequence, as far as the host knows it. */
function slotOf({ keys, seqlenK, given }: Call): number {
  const ends = keys === 'strided' && given.cuK ? knownList(given.cuK) : undefined;
  if (!ends) return seqlenK;
  return ends.reduce((most, end, b) => Math.max(most, end - (ends[b - 1] ?? end)), 0);
}

function weights(
  of: PairWeightsConfig['of'],
  given: WeightsCall,
  shape: readonly number[],
  fix: (max: number) => string,
): Tensor<'f32'> {
  const { call } = given;
  const { fn, gpu } = call;
  const target = recorderTarget(gpu);
  const bytes = 4 * elementCount(shape);
  if (bytes > target.maxBytes) {
    const rule = `the result must fit one binding of ${target.maxBytes} bytes on this device`;
    throw new LimitError(`${fn}: ${rule}; got ${bytes} bytes. ${fix(target.maxBytes)}`);
  }
  return gpu.batch(() => {
    const result = target.result('weights', shape);
    if (bytes === 0) return result;
    if (elementCount(call.q.shape) === 0) fillZero(target, result);
    else launchWithLse(of, given, result, target);
    return result;
  });
}

function launchWithLse(
  of: PairWeightsConfig['of'],
  { call, lse, rows }: WeightsCall,
  result: Tensor,
  target: Target,
): void {
  if (lse) return launch(of, call, lse, rows, result, target);
  // The values are of no interest; the keys stand for them.
  const { numSplits: _, ...options } = call.options;
  const made = runCall({ ...call, options: { ...options, returnLse: true } });
  launch(of, call, made.lse!, rows, result, target);
  made.out.dispose();
  made.lse!.dispose();
}

function launch(
  of: PairWeightsConfig['of'],
  call: Call,
  lse: Tensor,
  rows: WeightsCall['rows'],
  result: Tensor,
  target: Target,
): void {
  const { q, k, hooks, batch, qHeads, seqlenQ, selected } = call;
  const config: PairWeightsConfig = {
    of,
    qType: call.dtype,
    kType: call.kvDtype,
    headDim: call.headDim,
    lengths: call.lengths,
    keys: call.keys,
    selectedBlock: selected?.blockSize ?? 0,
    rows: selected?.rows ?? 'head',
    read: readAccess([q, k]),
    hooks: variantHooks(hooks.map(({ hook }) => hook)),
  };
  const bound = {
    q: bindTensor(q, readBytes(config.qType, config.read)),
    k: bindTensor(k, readBytes(config.kType, config.read)),
    lse: bindTensor(lse),
  };
  const columns = result.shape.at(-1)!;
  const tiles =
    of === 'rows'
      ? rowShapes[call.lengths].tiles(seqlenQ, batch, 1)
      : Math.ceil(columns / WEIGHT_THREADS);
  const units = tiles * qHeads * (of === 'rows' ? 1 : batch);
  const lengths = bindLengths(target, call);
  const captures = bindCaptures(target, { hooks, options: {} });
  const mask = bindMask(call);
  const inputs: LaunchInputs = {
    call,
    grid: { units, tiles, splits: 1 },
    tile: { path: 'portable' },
    strides: {
      q: stridesOf(q, bound.q, queryAxes(call)),
      k: stridesOf(k, bound.k, keyAxes(call)),
      v: stridesOf(k, bound.k, keyAxes(call)),
      lse: lseStrides(call, lse, bound.lse, 0),
    },
    statePlane: 0,
    more: [
      { heads: qHeads, columns, first_query: rows[0], rows: rows[1] - rows[0] },
      lengths.values,
      captures.values,
      mask.values,
    ],
  };
  const source = pairWeightsSource(config);
  target.dispatch({
    source,
    buffers: [
      bound.q.range,
      bound.k.range,
      lengths.range,
      captures.range,
      bound.lse.range,
      ...(selected ? [mask.range] : []),
      bindTensor(result).range,
    ],
    params: packValues(source.fields, valuesOf(source.fields, inputs)),
    workgroups: dispatchGrid(target.gpu, units),
  });
  lengths.release();
  captures.release();
}
