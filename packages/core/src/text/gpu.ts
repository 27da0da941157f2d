import type { Capabilities, Tuning } from './capabilities.ts';
import type { DType, DTypeOf, ReadArray, TypedArray } from './dtype.ts';
import type { DeviceLostError } from './errors.ts';

/** Shape, type and name of a new tensor. */
export interface TensorOptions<D extends DType = DType> {
  /** Dimensions, outermost first; any may be 0. `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Default: 'i32', 'u32' or 'f16' for an Int32Array, Uint32Array or Float16Array, else 'f32'. */
  readonly dtype?: D;
  readonly label?: string;
}

/** Type and name of a new tensor whose shape is another argument. */
export interface EmptyOptions<D extends DType = DType> {
  /** Default 'f32'. */
  readonly dtype?: D;
  readonly label?: string;
}

/** Shape and type of a tensor that is made of bytes. */
export interface BytesOptions<D extends DType = DType> {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  readonly dtype: D;
  readonly label?: string;
}

/** The memory that a Gpu uses for tensors and scratch, in bytes; buffers that you wrapped do not count. */
export interface Memory {
  /** Number of tensors with memory of heed's that are not disposed; views do not count. */
  readonly tensors: number;
  /** Bytes in use. Buffers are rounded up by a quarter at most; memory that an open batch frees counts until its submit. */
  readonly bytes: number;
  /** Bytes of free buffers that are kept for reuse. */
  readonly pooledBytes: number;
  /** Largest value that `bytes` has had. */
  readonly peakBytes: number;
}

/** Shape, type and place of a tensor in your own buffer. */
export interface WrapOptions<D extends DType = DType> {
  readonly shape: readonly number[];
  readonly dtype: D;
  /** In elements, 0 (broadcast) or more; default row-major without gaps. */
  readonly strides?: readonly number[];
  /** In bytes, a multiple of the element size; default 0. */
  readonly byteOffset?: number;
  readonly label?: string;
}

/** How a tensor is read. */
export interface ReadOptions {
  /** After an abort, `read` rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** The measured time of one dispatch. */
export interface Span {
  readonly label: string;
  /** Milliseconds. */
  readonly ms: number;
  /** 'timestamp': time on the GPU. 'wall': time until the host knew the end, on devices without `timestamp-query`. */
  readonly source: 'timestamp' | 'wall';
}

/** The result of {@link Gpu.profile}. */
export interface Profile<T> {
  readonly result: T;
  readonly spans: Span[];
}

/** A device with its tensors, kernels and pending work. `openGpu` creates it. */
export interface Gpu extends Disposable {
  readonly device: GPUDevice;
  readonly capabilities: Capabilities;
  readonly tuning: Tuning | undefined;
  readonly label: string;
  /** Resolves when the device is lost, also by `dispose()` of a Gpu that created its device. Never rejects. */
  readonly lost: Promise<DeviceLostError>;

  /**
   * Copies numbers to the GPU. f16 data are rounded once to nearest even, bf16 data to f32 first; integer types take only integers in their
   * range, BigInts too.
   * @throws ValidationError a bad shape, a data length other than the product of the shape, or an element that is no number
   * @throws LimitError larger than one buffer of this device
   * @example gpu.tensor([1, 2, 3, 4], { shape: [2, 2] })
   */
  tensor<Data extends ArrayLike<number> | TypedArray, D extends DType = DTypeOf<Data>>(
    data: Data,
    options: TensorOptions<D>,
  ): Tensor<D>;

  /**
   * Copies bytes to the GPU unchanged, little-endian: a tensor of a weights file, for example.
   * @throws ValidationError a bad shape, or a number of bytes that does not match it
   * @throws LimitError larger than one buffer of this device
   * @example gpu.fromBytes(file.subarray(begin, end), { shape: [4096, 64], dtype: 'bf16' })
   */
  fromBytes<D extends DType>(
    bytes: ArrayBufferView | ArrayBuffer,
    options: BytesOptions<D>,
  ): Tensor<D>;

  /**
   * Allocates a tensor with undefined contents. bf16 rows of odd length, and without `shader-f16` those of f16, are padded to even
   * length; see `strides`.
   */
  empty<D extends DType = 'f32'>(shape: readonly number[], options?: EmptyOptions<D>): Tensor<D>;

  /**
   * Makes a tensor over your own buffer. heed never destroys the buffer; `dispose()` only retires the tensor.
   * @throws ValidationError no STORAGE usage, a misaligned offset, or an extent beyond the buffer
   * @example gpu.wrap(buffer, { shape: [8, 64], dtype: 'f16', byteOffset: 512 })
   */
  wrap<D extends DType>(buffer: GPUBuffer, options: WrapOptions<D>): Tensor<D>;

  /**
   * Runs `fn` and sends all its dispatches in one submit. Nested batches join the outermost. If `fn` throws, its dispatches so far are
   * still submitted, so that state kept on the host stays true, and the error is thrown on.
   * @throws ValidationError `fn` is async: the batch would end before its work
   */
  batch<T>(fn: () => T): T;

  /**
   * Runs `fn`, and disposes the tensors that it made and did not return. It may return a tensor, or arrays and objects of tensors at
   * any depth. Memory is freed once the work that reads it is submitted. If `fn` returns only views of a tensor's memory, the views
   * become its owners. Errors of `fn` are thrown on.
   * @throws ValidationError `fn` is async
   * @example const loss = gpu.scope(() => { const h = layer(x); return head(h); }); // h is gone
   */
  scope<T>(fn: () => T): T;

  /** Returns how much memory this Gpu uses now. */
  memory(): Memory;

  /**
   * Resolves when all work so far is done. Rejects with the first GPU error since the last report of one: CompileError, GpuError
   * (validation, memory, internal) or DeviceLostError. Errors that no call awaits go to `onError` of `openGpu`, and a later `settled`
   * still rejects with them.
   */
  settled(): Promise<void>;

  /**
   * Runs `fn` and measures each of its dispatches. The labels are those of the kernels.
   * Rejects with a ValidationError if `fn` is async or profiles are nested.
   */
  profile<T>(fn: () => T): Promise<Profile<T>>;

  /** Frees everything that heed created, and the device if `openGpu` created it. All tensors of this Gpu become invalid. */
  dispose(): void;
}

/**
 * A strided view of GPU memory.
 *
 * `permute`, `slice` and `reshape` return views, which share the memory of their tensor. Disposing the tensor that owns the memory
 * invalidates all its views. Disposing a view retires only that view and frees nothing.
 */
export interface Tensor<D extends DType = DType> extends Disposable {
  readonly gpu: Gpu;
  /** @throws DisposedError the memory was freed */
  readonly buffer: GPUBuffer;
  /** Offset of element (0, …, 0) in `buffer`, in bytes. */
  readonly byteOffset: number;
  readonly shape: readonly number[];
  /** In elements of `dtype`. */
  readonly strides: readonly number[];
  readonly dtype: D;
  readonly label: string;

  /**
   * Reads the values at the time of the call, in logical (row-major) order whatever the strides; f16 and bf16 become f32.
   * Submits an open batch. Rejects with an earlier error of the GPU side, or with `signal.reason` after an abort.
   */
  read(options?: ReadOptions): Promise<ReadArray<D>>;

  /** Returns a view with reordered axes: axis i of the result is axis `axes[i]` of this tensor. */
  permute(axes: readonly number[]): Tensor<D>;

  /**
   * Returns a view of elements `start` to `end − 1` along one axis; axis −1 is the last.
   * @example const v = k.slice(-1, 0, 512); // the first 512 columns of k
   */
  slice(axis: number, start: number, end: number): Tensor<D>;

  /**
   * Returns a view with the same elements in the same logical order and another shape.
   * @throws ValidationError the strides would need a copy
   */
  reshape(shape: readonly number[]): Tensor<D>;

  /** Frees the memory, in a batch at its submit. A second call does nothing. */
  dispose(): void;
}
