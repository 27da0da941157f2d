import { type DType, type Gpu, LimitError, type Tensor } from '@heed/core';
import {
  type BufferRange,
  detachedStorage,
  type Dispatch,
  dispatch,
  encode,
  unscoped,
  uploadStorage,
} from '@heed/core/kernel';

/** Where a run puts its dispatches, and where their data and scratch memory live. */
export interface Target {
  readonly gpu: Gpu;
  /** Records a launch. */
  dispatch(d: Dispatch): void;
  /** Data of the host that a launch reads. */
  storage(data: ArrayBufferView): BufferRange;
  /** Memory for this run. `use` tells the scratch tensors of one run apart. */
  scratch(use: string, shape: readonly number[], dtype?: DType): Tensor;
  /** Takes scratch memory back once the work that reads it has been dispatched. */
  free(scratch: Tensor): void;
}

/** The Gpu's own recorder. Must be used within one batch, which its data live as long as. */
export function recorderTarget(gpu: Gpu): Target {
  let target = recorderTargets.get(gpu);
  if (!target) recorderTargets.set(gpu, (target = makeRecorderTarget(gpu)));
  return target;
}

const recorderTargets = new WeakMap<Gpu, Target>();

const makeRecorderTarget = (gpu: Gpu): Target => ({
  gpu,
  dispatch: (d) => dispatch(gpu, d),
  storage: (data) => uploadStorage(gpu, data),
  scratch: (use, shape, dtype = 'f32') => gpu.empty(shape, { dtype, label: `heed/${use}` }),
  free: (scratch) => scratch.dispose(),
});

/** Scratch memory that outlives a run: a caller's pass is submitted at a time heed does not know. */
export class KeptScratch {
  readonly #tensors = new Map<string, Tensor>();

  // Every run writes its scratch before reading it, so runs may share it in whatever order they are submitted.
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

/** A compute pass of the caller. */
export function passTarget(gpu: Gpu, pass: GPUComputePassEncoder, kept: KeptScratch): Target {
  return {
    gpu,
    dispatch: (d) => encode(gpu, pass, d),
    storage: (data) => detachedStorage(gpu, data),
    scratch: (use, shape, dtype = 'f32') => kept.get(gpu, use, shape, dtype),
    free() {},
  };
}

/** Words that a kernel of its owner writes, in the same batch, before they are read. */
export interface DerivedWords {
  readonly count: number;
  /** Dispatches what writes them, from word `first` of `words` on. */
  readonly write: (target: Target, words: Tensor, first: number) => void;
}

/** A list from the host, a tensor (rank ≤ 4, any dtype and strides), or what is computed from such. */
export type WordSource = Int32Array | Tensor | DerivedWords;

/** Where a source lies behind its binding: in elements of its dtype (two halves to a word), else in words. */
export interface TablePlace {
  readonly offset: number;
  readonly strides: readonly number[];
}

export function isDerived(source: WordSource): source is DerivedWords {
  return 'write' in source;
}

/**
 * Holds memory that a run needs beside its arguments against what one binding can have.
 * @param words how many 32-bit words it takes
 * @param what it holds
 * @throws LimitError it is larger, with what makes it smaller
 */
export function checkMemory(
  { fn, gpu }: { readonly fn: string; readonly gpu: Gpu },
  words: number,
  what: string,
  fix: string,
): void {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const max = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (4 * words <= max) return;
  throw new LimitError(
    `${fn}: ${what} must fit one binding of ${max} bytes on this device; got ${4 * words} bytes. ${fix}`,
  );
}
