import type { DType, Gpu, Tensor } from '@heed/core';
import {
  attention,
  type AttentionOptions,
  type AttentionResult,
  type AttentionTensors,
  varlenAttention,
  type VarlenLayout,
  type VarlenOptions,
} from '@heed/kernels-wgsl';
import type { FloatDType } from '../numerics/storage.ts';
import { recordOutput } from '../outputs.ts';
import type { NdArray } from '../reference/nd-array.ts';
import type { AttentionState, Problem } from '../reference/problem.ts';
import { quantise } from '../reference/quantised.ts';
import { place, type Placement } from './placement.ts';
import { Scope } from './scope.ts';

/** How a problem is put before the kernels; none of it changes what the result should be. */
export interface LaunchOptions {
  readonly numSplits?: number | 'auto';
  /** Storage type of float keys and values; default that of q. */
  readonly kvDtype?: FloatDType;
  /** How q, k and v lie in memory; default contiguous. */
  readonly placement?: Placement;
  /** Hands lengths and tables over as GPU tensors, which the host cannot check. */
  readonly gpuLengths?: boolean;
  /** Hints that the kernels must not trust. */
  readonly maxSeqlenQ?: number;
  readonly maxSeqlenK?: number;
  /** A destination for `out`, in the caller's memory. */
  readonly out?: Tensor;
}

/** Runs a problem on the GPU and reads both results back. Frees what it made. */
export async function launch(
  gpu: Gpu,
  problem: Problem,
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

/** Reads both results of a call back; the scope frees them, except an `out` of the caller's. */
export async function collect(
  scope: Scope,
  { out, lse }: AttentionResult,
  own?: Tensor,
): Promise<AttentionState> {
  if (lse === undefined) throw new Error('collect: returnLse gave no lse');
  if (out !== own) scope.own(out);
  scope.own(lse);
  return { out: await download(out), lse: await download(lse, 'lse') };
}

/** Uploads a problem's tensors and makes the one call that computes it. */
export function call(
  scope: Scope,
  problem: Problem,
  dtype: FloatDType,
  options: LaunchOptions = {},
): AttentionResult {
  const { q, k, v, ...rest } = upload(scope, problem, dtype, options);
  if (problem.q.shape.length === 4) return attention(q, k, v, rest);
  return varlenAttention(q, k, v, rest as VarlenOptions);
}

/** A problem on the GPU: tensors, lengths and options, as `plan.run` takes them. */
export function upload(
  scope: Scope,
  problem: Problem,
  dtype: FloatDType,
  options: LaunchOptions = {},
): AttentionTensors {
  const { placement = 'contiguous', kvDtype = dtype } = options;
  const keys = (values: NdArray): Tensor =>
    problem.format === undefined
      ? place(scope, values, kvDtype, placement)
      : place(scope, quantise(values, problem.format), 'u32', placement);
  return {
    q: place(scope, problem.q, dtype, placement),
    k: keys(problem.k),
    v: keys(problem.v),
    ...pageFormat(problem),
    ...attentionOptions(scope, problem, options),
    ...lengthsOf(scope, problem, options),
  };
}

/** What the words of quantised pages do not tell by themselves. */
export function pageFormat({
  format,
  k,
  v,
}: Problem): Pick<VarlenLayout, 'format' | 'headDim' | 'headDimV'> {
  return format === undefined ? {} : { format, headDim: k.shape[3]!, headDimV: v.shape[3]! };
}

/** The kernels' options for a problem, with LSE asked for. */
export function attentionOptions(
  scope: Scope,
  problem: Problem,
  options: LaunchOptions,
): AttentionOptions {
  const { alibiSlopes, sinks, scoreMod, maskMod, ...plain } = problem.options;
  if (scoreMod !== undefined || maskMod !== undefined)
    throw new Error('launch: mods need flexAttention');
  return {
    ...plain,
    ...(alibiSlopes && { alibiSlopes: uploadArray(scope, alibiSlopes, 'f32') }),
    ...(sinks && { sinks: uploadArray(scope, sinks, 'f32') }),
    ...(options.numSplits !== undefined && { numSplits: options.numSplits }),
    ...(options.out && { out: options.out }),
    returnLse: true,
  };
}

export function lengthsOf(
  scope: Scope,
  problem: Problem,
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

/** A tensor with a host array's contents, freed with the scope. */
export function uploadArray(
  scope: Scope,
  array: NdArray,
  dtype: DType,
  label = 'conformance',
): Tensor {
  return scope.own(scope.gpu.tensor(array.data, { shape: [...array.shape], dtype, label }));
}

/** Reads a float tensor back as a host array, and records its hash under `name` in the report of the case. */
export async function download(tensor: Tensor, name = 'out'): Promise<NdArray> {
  const data = await tensor.read();
  if (!(data instanceof Float32Array))
    throw new Error(`download: ${tensor.label} is ${tensor.dtype}`);
  recordOutput(tensor.gpu, name, data);
  return { shape: [...tensor.shape], data };
}
