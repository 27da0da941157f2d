import { type DType, type Gpu, LimitError, type Tensor } from '@heed/core';
import {
  bindDispatch,
  bindTensor,
  type BoundDispatch,
  type BufferRange,
  detachedStorage,
  type Dispatch,
  dispatch,
  getKernel,
  type KernelSource,
  shapeTensor,
  unscoped,
  uploadStorage,
} from '@heed/core/kernel';
import type { ParamValues } from '../text/parts/params.ts';

/** One launch of a kernel. The kernel is compiled at its first launch. */
interface Launch extends Pick<Dispatch, 'buffers' | 'workgroups'> {
  readonly source: KernelSource;
  readonly params: Uint32Array;
  /** Prepares data for another kernel; it is not one of attention's own kernels. */
  readonly prepares?: boolean;
}

/** Destination of a run's launches, and allocator of its results and scratch memory. */
export interface Target {
  readonly gpu: Gpu;
  /** Size limit of one binding, in bytes. */
  readonly maxBytes: number;
  /** Launches a kernel, and compiles it first if needed. */
  dispatch(launch: Launch): void;
  /** Uploads host data for a launch. */
  storage(data: ArrayBufferView): BufferRange;
  /** Allocates a result of the run. */
  result<D extends DType = 'f32'>(label: string, shape: readonly number[], dtype?: D): Tensor<D>;
  /** Allocates scratch memory for this run. `use` distinguishes the scratch tensors of one run. */
  scratch(use: string, shape: readonly number[], dtype?: DType): Tensor;
  /** Frees scratch memory, once the work that reads it has been dispatched. */
  free(scratch: Tensor): void;
}

function maxBytes({ device }: Gpu): number {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  return Math.min(maxBufferSize, maxStorageBufferBindingSize);
}

const ofLaunch = (gpu: Gpu, { source, buffers, params, workgroups }: Launch): Dispatch => ({
  kernel: getKernel(gpu, source),
  buffers,
  params,
  workgroups,
});

const allocate =
  (gpu: Gpu): Target['result'] =>
  (label, shape, dtype) =>
    gpu.empty(shape, { dtype: dtype ?? ('f32' as never), label: `heed/${label}` });

/** Returns a target that records on the Gpu. Use it within one batch: its uploads are valid only for that batch. */
export function recorderTarget(gpu: Gpu): Target {
  let target = recorderTargets.get(gpu);
  if (!target) recorderTargets.set(gpu, (target = makeRecorderTarget(gpu)));
  return target;
}

const recorderTargets = new WeakMap<Gpu, Target>();

const makeRecorderTarget = (gpu: Gpu): Target => ({
  gpu,
  maxBytes: maxBytes(gpu),
  dispatch: (launch) => dispatch(gpu, ofLaunch(gpu, launch)),
  storage: (data) => uploadStorage(gpu, data),
  result: allocate(gpu),
  scratch: allocate(gpu),
  free: (scratch) => scratch.dispose(),
});

/** Scratch memory that outlives a run, whose dispatches are submitted at a time unknown to heed. */
export class KeptScratch {
  readonly #tensors = new Map<string, Tensor>();

  // Every run writes its scratch before it reads it, so runs may share it in any order of submission.
  get(gpu: Gpu, use: string, shape: readonly number[], dtype: DType): Tensor {
    const key = `${use} ${dtype} ${shape.join()}`;
    const kept = this.#tensors.get(key);
    if (kept) return kept;
    const options = { dtype, label: `heed/${use}` };
    const made = unscoped(gpu, () => gpu.empty(shape, options));
    this.#tensors.set(key, made);
    return made;
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}

/** Returns a target that binds dispatches, and adds them to `list`: heed does not know when they will be submitted. */
export function boundTarget(gpu: Gpu, list: BoundDispatch[], kept: KeptScratch): Target {
  return {
    gpu,
    maxBytes: maxBytes(gpu),
    dispatch: (launch) => list.push(bindDispatch(gpu, ofLaunch(gpu, launch))),
    storage: (data) => detachedStorage(gpu, data),
    result: allocate(gpu),
    scratch: (use, shape, dtype = 'f32') => kept.get(gpu, use, shape, dtype),
    free() {},
  };
}

/** Kernels of a run, without repeats, in the order of their first launch. */
export interface RunKernels {
  /** Attention's own kernels. */
  readonly own: readonly KernelSource[];
  /** Kernels that prepare data for them. */
  readonly preparing: readonly KernelSource[];
}

/** Collects the kernels that `run` would launch, without allocating memory or launching anything. */
export function kernelsOf(gpu: Gpu, run: (target: Target) => void): RunKernels {
  const own = new Set<KernelSource>();
  const preparing = new Set<KernelSource>();
  const shape: Target['scratch'] = (_, ...rest) => shapeTensor(gpu, ...rest);
  run({
    gpu,
    maxBytes: Infinity,
    dispatch: ({ source, prepares }) => (prepares ? preparing : own).add(source),
    storage: () => bindTensor(shapeTensor(gpu, [1])).range,
    result: shape as Target['result'],
    scratch: shape,
    free() {},
  });
  return { own: [...own], preparing: [...preparing] };
}

/** Words that one kernel writes before another reads them, in the same batch. */
export interface DerivedWords {
  readonly count: number;
  /** Parameters of the kernels that read the words. */
  readonly values?: ParamValues;
  /** Dispatches the kernel, which writes `words` starting at word `first`. */
  readonly write: (target: Target, words: Tensor, first: number) => void;
}

/** A list from the host, a tensor (rank ≤ 4, any dtype and strides), or words that a kernel computes. */
export type WordSource = Int32Array | Tensor | DerivedWords;

/** Offset of a source in its binding: in elements of its dtype for tensors (two halves per word), else in words. */
export interface TablePlace {
  readonly offset: number;
  readonly strides: readonly number[];
}

export function isDerived(source: WordSource): source is DerivedWords {
  return 'write' in source;
}

/**
 * Checks that the memory which a run needs besides its arguments fits in one binding.
 * @param words its size in 32-bit words
 * @param what its contents
 * @param fix how the caller can make it smaller
 * @throws LimitError
 */
export function checkMemory(
  { maxBytes: max }: Pick<Target, 'maxBytes'>,
  fn: string,
  words: number,
  what: string,
  fix: string,
): void {
  if (4 * words <= max) return;
  throw new LimitError(
    `${fn}: ${what} must fit one binding of ${max} bytes on this device; got ${4 * words} bytes. ${fix}`,
  );
}
