import type { DType, Tensor } from '@heed/core';
import {
  adopt,
  bindTensor,
  dispatchGrid,
  elementCount,
  isTensor,
  placeholder,
} from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import { knownSelection, type Selection } from '../select/selection.ts';
import { forwardSource } from '../text/kernels/forward.wgsl.ts';
import type { ComposedKernel } from '../text/parts/kernel-parts.ts';
import { packValues } from '../text/parts/params.ts';
import { readBytes, writeBytes } from '../text/parts/row-access.wgsl.ts';
import type { ForwardConfig } from '../text/tiles/kernel-config.ts';
import { readsWide } from '../text/tiles/tile-paths.ts';
import { type Call, factsOfCall } from './attention-call.ts';
import type { AttentionOptions, AttentionResult } from './attention-options.ts';
import { bindMask } from './bound-mask.ts';
import { type Cascade, cascadeOf } from './cascade-plan.ts';
import { combine } from './combine.ts';
import {
  forwardInputs,
  type ForwardTensors,
  type LaunchData,
  notWritten,
  type RowPlanes,
} from './forward-values.ts';
import { checkMemory, recorderTarget, type Target } from './launch-target.ts';
import { type LaunchInputs, valuesOf } from './launch-values.ts';
import {
  keyAxes,
  type MemoryLayout,
  queryAxes,
  readAccess,
  stridesOf,
  writeAccess,
} from './memory-layout.ts';
import { bindCaptures, bindLengths } from './packed-words.ts';
import { gatherWords } from './word-kernels.ts';

/** Runs a checked call with the kernel that its problem selects. */
export function runCall(call: Call, keepsStates = false): ForwardResult {
  const { gpu } = call;
  const facts = factsOfCall(call, keepsStates);
  const selection = knownSelection(gpu, facts);
  const cascade = cascadeOf(call, facts, selection);
  return gpu.batch(() =>
    runForward(call, cascade?.suffix ?? selection, recorderTarget(gpu), keepsStates, cascade),
  );
}

/** Result of a run. */
export interface ForwardResult extends AttentionResult {
  /** With `keepsStates`: planes of lse, row maxima and row sums. The lse tensor owns the memory. */
  readonly states?: Tensor;
  /** With `keepsStates` and a seed on the GPU: a copy of it, in the memory of lse. */
  readonly seed?: Tensor;
}

/**
 * Runs a checked call with a chosen kernel.
 * @param keepsStates whether a gradient needs the row maxima and sums; lse is then kept too
 * @param cascade reads the keys that sequences share first; the selection is then its suffix pass
 */
export function runForward(
  call: Call,
  selection: Selection,
  target: Target,
  keepsStates = false,
  cascade?: Cascade,
): ForwardResult {
  const { dtype, options } = call;
  const { splits } = selection;
  if (splits > 1) checkPartials(target, call, splits);
  const out = options.out ?? target.result('out', outShape(call), dtype);
  const rows = rowResults(target, lseShape(call), keepsStates, options);
  if (elementCount(out.shape) > 0) {
    const lengths = bindLengths(target, call);
    const captures = bindCaptures(target, call);
    const states = cascade && readShared(call, cascade, target, { lengths, captures });
    const data = { out, lse: rows.lse, planes: rows.planes, lengths, captures, states };
    if (splits === 1) launch(call, selection, target, data);
    else launchSplit(call, selection, target, data);
    if (states) target.free(states);
    lengths.release();
    captures.release();
  }
  return {
    out,
    ...(rows.lse && (keepsStates || options.returnLse) && { lse: rows.lse }),
    ...(rows.max && { max: rows.max }),
    ...(rows.planes && keepsStates && { states: rows.planes.whole }),
    ...(rows.seed && { seed: rows.seed }),
  };
}

// Each split writes its own state, in f32.
function launchSplit(call: Call, selection: Selection, target: Target, data: LaunchData): void {
  const { splits } = selection;
  const shape = [splits, ...lseShape(call)];
  const out = target.scratch('split out', [splits, ...outShape(call)]);
  const { planes: result } = data;
  const planes =
    result &&
    planesOf(
      target.scratch('split rows', [result.whole.shape[0]!, ...shape]),
      result.statePlane > 0,
      result.maxPlane > 0,
    );
  const lse = planes ? plane(planes.whole, 0) : target.scratch('split lse', shape);
  launch(call, selection, target, { ...data, out, lse, planes });
  combine(target, {
    part: { out, lse },
    out: data.out,
    lse: data.lse,
    ...(planes && { planes: { part: planes, result } }),
  });
  target.free(out);
  target.free(planes?.whole ?? lse);
}

/** Memory that a run allocates for its rows. */
interface RowResults {
  readonly lse?: Tensor<'f32'>;
  readonly max?: Tensor<'f32'>;
  /** Planes of the rows, if lse is not the only one. */
  readonly planes?: RowPlanes;
  readonly seed?: Tensor;
}

function rowResults(
  target: Target,
  shape: readonly number[],
  keepsStates: boolean,
  { returnLse, returnMax, dropout }: AttentionOptions,
): RowResults {
  if (!keepsStates && !returnMax) return returnLse ? { lse: target.result('lse', shape) } : {};
  const count = (keepsStates ? 3 : 1) + (returnMax ? 1 : 0);
  const words = count * elementCount(shape);
  const seed = keepsStates && isTensor(dropout?.seed) ? dropout.seed : undefined;
  const whole = target.result('lse', [words + (seed ? 2 : 0)]);
  const view = whole.slice(0, 0, words).reshape([count, ...shape]);
  const lse = plane(view, 0);
  const max = returnMax ? adopt(plane(view, count - 1)) : undefined;
  const planes = planesOf(view, keepsStates, returnMax);
  if (seed) gatherWords(target, seed, whole, words);
  const kept = seed && whole.slice(0, words, words + 2);
  if (keepsStates || returnLse) adopt(lse);
  whole.dispose();
  return { lse, planes, ...(max && { max }), ...(kept && { seed: kept }) };
}

/** Returns the planes of rows in `whole`: lse, then row maxima and row sums, then largest scores. */
function planesOf(whole: Tensor, hasStates: boolean, hasMax = false): RowPlanes {
  const words = whole.strides[0]!;
  return {
    whole,
    statePlane: hasStates ? words : 0,
    maxPlane: hasMax ? words * (whole.shape[0]! - 1) : 0,
  };
}

const plane = <D extends DType>(planes: Tensor<D>, i: number): Tensor<D> =>
  planes.slice(0, i, i + 1).reshape(planes.shape.slice(1));

function checkPartials(target: Target, call: Call, splits: number): void {
  const words = splits * elementCount(outShape(call));
  const fix = `Use fewer than ${splits} splits, or numSplits: 1.`;
  checkMemory(target, call.fn, words, 'the partial results of all splits', fix);
}

function launch(call: Call, selection: Selection, target: Target, data: LaunchData): void {
  const { gpu, q, k, v } = call;
  const { config, source } = forwardKernel(selection, [q, k, v], data.out);
  const tensors: ForwardTensors = {
    q: bindTensor(q, readBytes(config.qType, config.read)),
    k: bindTensor(k, readBytes(config.kvType, config.read)),
    v: bindTensor(v, readBytes(config.vType ?? config.kvType, config.read)),
    out: bindTensor(data.out, writeBytes(config.outType, config.write)),
    lse: data.lse && bindTensor(data.planes?.whole ?? data.lse),
  };
  const mask = data.states ? { range: bindTensor(data.states).range, values: {} } : bindMask(call);
  const work = forwardInputs(call, selection, tensors, data, mask);
  target.dispatch({
    source,
    buffers: [
      tensors.q.range,
      tensors.k.range,
      tensors.v.range,
      data.lengths.range,
      mask.range,
      data.captures.range,
      tensors.out.range,
      tensors.lse?.range ?? placeholder(gpu, 'write'),
    ],
    params: packValues(source.fields, valuesOf(source.fields, work)),
    workgroups: dispatchGrid(gpu, work.grid.units),
  });
}

// The states of a prefix pass are words of f32.
const stateLayout: MemoryLayout = { shape: [4], strides: [1], byteOffset: 0, dtype: 'f32' };

/** Dispatches the prefix pass. Returns the states of the rows, which the caller frees. */
function readShared(
  call: Call,
  { prefix, tiles, rows, shared, words }: Cascade,
  target: Target,
  { lengths, captures }: Pick<LaunchData, 'lengths' | 'captures'>,
): Tensor {
  const { gpu, q, k, v } = call;
  const states = target.scratch('cascade states', [words], 'u32');
  gatherWords(target, shared, states, 0);
  const { config, source } = forwardKernel(prefix, [q, k, v], stateLayout);
  const [boundQ, boundK, boundV] = [
    bindTensor(q, readBytes(config.qType, config.read)),
    bindTensor(k, readBytes(config.kvType, config.read)),
    bindTensor(v, readBytes(config.vType ?? config.kvType, config.read)),
  ];
  const { splits } = prefix;
  const units = tiles * splits * call.kvHeads;
  const work: LaunchInputs = {
    call,
    grid: { units, tiles, splits },
    tile: config.tile,
    strides: {
      q: stridesOf(q, boundQ, queryAxes(call)),
      k: stridesOf(k, boundK, keyAxes(call)),
      v: stridesOf(v, boundV, keyAxes(call)),
      lse: notWritten,
    },
    statePlane: 0,
    more: [lengths.values, captures.values],
  };
  target.dispatch({
    source,
    buffers: [
      boundQ.range,
      boundK.range,
      boundV.range,
      lengths.range,
      target.storage(rows),
      captures.range,
      placeholder(gpu, 'write'),
      bindTensor(states).range,
    ],
    params: packValues(source.fields, valuesOf(source.fields, work)),
    workgroups: dispatchGrid(gpu, units),
  });
  return states;
}

type Sizes = Pick<Call, 'lengths' | 'batch' | 'qHeads' | 'seqlenQ' | 'headDimV'>;

export const outShape = (sizes: Sizes): number[] => rowShapes[sizes.lengths].outShape(sizes);
const lseShape = (sizes: Sizes): number[] => rowShapes[sizes.lengths].lseShape(sizes);

/** The kernel of a selection, for the actual memory layout of the tensors. */
interface ForwardKernel {
  readonly config: ForwardConfig;
  readonly source: ComposedKernel;
}

const known = new WeakMap<Selection, ForwardKernel[]>();

/** Returns the kernel of a selection for this memory layout. It is cached, so that a repeated call builds no key string. */
function forwardKernel(
  selection: Selection,
  inputs: readonly MemoryLayout[],
  out: MemoryLayout,
): ForwardKernel {
  const read = readAccess(inputs, readsWide(selection.config.tile));
  const write = writeAccess(out);
  const outType = out.dtype as ForwardConfig['outType'];
  let kernels = known.get(selection);
  if (!kernels) known.set(selection, (kernels = []));
  for (const kernel of kernels) {
    const { config } = kernel;
    if (config.read === read && config.write === write && config.outType === outType) return kernel;
  }
  const config = { ...selection.config, outType, read, write };
  const kernel = { config, source: forwardSource(config) };
  kernels.push(kernel);
  return kernel;
}
