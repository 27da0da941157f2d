import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import {
  attention,
  type AttentionOptions,
  type AttentionResult,
  type AttentionTensors,
  type Dropout,
  varlenAttention,
  type VarlenLayout,
  type VarlenOptions,
} from '@heed/kernels-wgsl';
import type { ReferenceDropout } from '../reference/dropped-pairs.ts';
import { type NdArray, sliceAxis } from '../reference/nd-array.ts';
import type { FloatDType } from '../reference/number-types.ts';
import type { AttentionState, ReferenceProblem } from '../reference/reference-problem.ts';
import { quantise } from '../reference/stored-rows.ts';
import { download, place, type Placement, Scope, uploadArray } from './case-tensors.ts';

/** How a problem is passed to the kernels. No option changes the correct result. */
export interface LaunchOptions {
  readonly numSplits?: number | 'auto';
  /** Storage type of float keys and values; default that of q. */
  readonly kvDtype?: FloatDType;
  /** Memory layout of q, k and v; default contiguous. */
  readonly placement?: Placement;
  /** Memory layout of lists of selected keys; default that of q, k and v. */
  readonly listPlacement?: Placement;
  /** Passes lengths and block tables as GPU tensors, which the host cannot check. */
  readonly gpuLengths?: boolean;
  /** Hints, which need not be true. */
  readonly maxSeqlenQ?: number;
  readonly maxSeqlenK?: number;
  /** Passes the seed of dropout as a tensor. */
  readonly gpuSeed?: boolean;
  /**
   * v is the first columns of k: passed as a slice of k, or as a tensor of its own with the same contents. The problem's v must hold
   * these columns. Words of quantised pages come from k, too: v then has the scales of k.
   */
  readonly sharedKv?: 'slice' | 'copy';
  /** Also returns `max`. */
  readonly returnMax?: boolean;
  /** A destination for `out`, which the caller owns. */
  readonly out?: Tensor;
}

/** Runs a problem on the GPU, reads both results back, and frees all tensors. */
export async function launch(
  gpu: Gpu,
  problem: ReferenceProblem,
  dtype: FloatDType,
  options: LaunchOptions = {},
): Promise<AttentionState> {
  const scope = new Scope(gpu);
  try {
    return await collect(scope, call(scope, problem, dtype, options), options.out);
  } finally {
    scope.dispose();
  }
}

/** Reads the results of a call back. The scope frees them, except `own`, an `out` that the caller owns. */
export async function collect(
  scope: Scope,
  { out, lse, max }: AttentionResult,
  own?: Tensor,
): Promise<AttentionState> {
  if (lse === undefined) throw new Error('collect: returnLse gave no lse');
  if (out !== own) scope.own(out);
  scope.own(lse);
  if (max) scope.own(max);
  return {
    out: await download(out),
    lse: await download(lse, 'lse'),
    ...(max && { max: await download(max, 'max') }),
  };
}

/** Uploads the tensors of a problem and calls attention once. */
export function call(
  scope: Scope,
  problem: ReferenceProblem,
  dtype: FloatDType,
  options: LaunchOptions = {},
): AttentionResult {
  const { q, k, v, ...rest } = upload(scope, problem, dtype, options);
  if (problem.q.shape.length === 4) return attention(q, k, v, rest);
  return varlenAttention(q, k, v, rest as VarlenOptions);
}

/** Uploads a problem: tensors, lengths and options, in the form that `plan.run` takes. */
export function upload(
  scope: Scope,
  problem: ReferenceProblem,
  dtype: FloatDType,
  options: LaunchOptions = {},
): AttentionTensors {
  const { placement = 'contiguous', kvDtype = dtype } = options;
  const stored = storedKeys(problem, options.sharedKv !== undefined);
  const keys = (values: NdArray): Tensor =>
    place(scope, values, problem.format === undefined ? kvDtype : 'u32', placement);
  const k = keys(stored.k);
  return {
    q: place(scope, problem.q, dtype, placement),
    k,
    v: options.sharedKv === 'slice' ? k.slice(-1, 0, stored.v.shape.at(-1)!) : keys(stored.v),
    ...pageFormat(problem),
    ...attentionOptions(scope, problem, options),
    ...lengthsOf(scope, problem, options),
  };
}

/** Returns k and v as memory holds them: numbers, or rows of words. */
function storedKeys(
  { k, v, format }: ReferenceProblem,
  isShared: boolean,
): Pick<ReferenceProblem, 'k' | 'v'> {
  if (format === undefined) return { k, v };
  const words = quantise(k, format);
  const own = quantise(v, format);
  const last = words.shape.length - 1;
  return { k: words, v: isShared ? sliceAxis(words, last, 0, own.shape[last]!) : own };
}

/** Returns the format and head dims of quantised pages, which their words do not show. */
export function pageFormat({
  format,
  k,
  v,
}: ReferenceProblem): Pick<VarlenLayout, 'format' | 'headDim' | 'headDimV'> {
  return format === undefined ? {} : { format, headDim: k.shape[3]!, headDimV: v.shape[3]! };
}

/** Returns the options of attention for a problem, with returnLse set. */
export function attentionOptions(
  scope: Scope,
  problem: ReferenceProblem,
  options: LaunchOptions,
): AttentionOptions {
  const { scale, softcap, alibiSlopes, sinks, selectedKeys, scoreMod, maskMod, dropout, ...plain } =
    problem.options;
  const given = (x: number | NdArray): number | Tensor =>
    typeof x === 'number' ? x : uploadArray(scope, x, 'f32');
  const { placement = 'contiguous', listPlacement = placement } = options;
  if (scoreMod !== undefined || maskMod !== undefined)
    throw new Error('launch: mods need flexAttention');
  return {
    ...plain,
    ...(scale !== undefined && { scale: given(scale) }),
    ...(softcap !== undefined && { softcap: given(softcap) }),
    ...(alibiSlopes && { alibiSlopes: uploadArray(scope, alibiSlopes, 'f32') }),
    ...(sinks && { sinks: uploadArray(scope, sinks, 'f32') }),
    ...(dropout && { dropout: options.gpuSeed ? withGpuSeed(scope, dropout) : dropout }),
    ...(selectedKeys && { selectedKeys: place(scope, selectedKeys, 'i32', listPlacement) }),
    ...(options.numSplits !== undefined && { numSplits: options.numSplits }),
    ...(options.out && { out: options.out }),
    ...(options.returnMax && { returnMax: true }),
    returnLse: true,
  };
}

function withGpuSeed(scope: Scope, { rate, seed }: ReferenceDropout): Dropout {
  const words = Uint32Array.of(seed % 2 ** 32, Math.floor(seed / 2 ** 32));
  return { rate, seed: scope.own(scope.gpu.tensor(words, { shape: [2] })) };
}

export function lengthsOf(
  scope: Scope,
  problem: ReferenceProblem,
  { gpuLengths = false, maxSeqlenQ, maxSeqlenK }: LaunchOptions,
): Partial<VarlenLayout> {
  const { cuSeqlensQ, cuSeqlensK, seqUsedK, blockTable } = problem;
  const length = (values: Int32Array, shape = [values.length]): Int32Array | Tensor =>
    gpuLengths ? scope.own(scope.gpu.tensor(values, { shape, dtype: 'i32' })) : values;
  const sequences = (cuSeqlensQ?.length ?? 1) - 1;
  return {
    ...(cuSeqlensQ && { cuSeqlensQ: length(cuSeqlensQ) }),
    ...(cuSeqlensK && { cuSeqlensK: length(cuSeqlensK) }),
    ...(seqUsedK && { seqUsedK: length(seqUsedK) }),
    ...(blockTable && {
      blockTable: length(blockTable, [sequences, blockTable.length / sequences]),
    }),
    ...(maxSeqlenQ !== undefined && { maxSeqlenQ }),
    ...(maxSeqlenK !== undefined && { maxSeqlenK }),
  };
}

/**
 * Uploads a paged problem as a PagedKvView.
 * @param isShared v is the first columns of k
 */
export function viewOf(
  scope: Scope,
  problem: ReferenceProblem,
  dtype: FloatDType,
  isShared = false,
): PagedKvView {
  const { seqUsedK = new Int32Array(), blockTable = new Int32Array() } = problem;
  const [, pageSize = 0, , headDim = 0] = problem.k.shape;
  const integers = (values: Int32Array, shape: number[]) =>
    scope.own(scope.gpu.tensor(values, { shape, dtype: 'i32' }));
  const stored = storedKeys(problem, isShared);
  const keys = (values: NdArray) =>
    uploadArray(scope, values, problem.format === undefined ? dtype : 'u32');
  const k = keys(stored.k);
  return {
    k,
    v: isShared ? k.slice(-1, 0, stored.v.shape[3]!) : keys(stored.v),
    ...(isShared && { sharedKv: true }),
    blockTable: integers(blockTable, [seqUsedK.length, blockTable.length / seqUsedK.length]),
    seqUsedK: integers(seqUsedK, [seqUsedK.length]),
    maxSeqlenK: Math.max(...seqUsedK),
    pageSize,
    format: problem.format ?? dtype,
    headDim,
    headDimV: problem.v.shape[3] ?? 0,
  };
}
