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

/** Type and name of a new tensor whose shape is given apart. */
export interface EmptyOptions<D extends DType = DType> {
  /** Default 'f32'. */
  readonly dtype?: D;
  readonly label?: string;
}

/** What bytes are to be seen as. */
export interface BytesOptions<D extends DType = DType> {
  /** Dimensions, outermost first. */
  readonly shape: readonly number[];
  readonly dtype: D;
  readonly label?: string;
}

/** The memory that a Gpu takes for tensors and scratch, in bytes; buffers of yours that it sees are not in it. */
export interface Memory {
  /** Tensors with memory of heed's that were not disposed; views do not count. */
  readonly tensors: number;
  /** In use. Buffers are rounded up, at most by a quarter; what an open batch gives back counts until its submit. */
  readonly bytes: number;
  /** Ready to be used again. */
  readonly pooledBytes: number;
  /** The most that `bytes` has been. */
  readonly peakBytes: number;
}

/** How a foreign buffer is to be seen. */
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
  /** After an abort `read` rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** One dispatch, measured. */
export interface Span {
  readonly label: string;
  /** Milliseconds. */
  readonly ms: number;
  /** 'timestamp': time on the GPU. 'wall': time until the host heard that it was done, for want of `timestamp-query`. */
  readonly source: 'timestamp' | 'wall';
}

/** What {@link Gpu.profile} resolves to. */
export interface Profile<T> {
  readonly result: T;
  readonly spans: Span[];
}

/** A device with its tensors, kernels and work in flight. Made by `openGpu`. */
export interface Gpu extends Disposable {
  readonly device: GPUDevice;
  readonly capabilities: Capabilities;
  readonly tuning: Tuning | undefined;
  readonly label: string;
  /** Resolves (it never rejects) when the device is lost, also through `dispose()` of a Gpu that made its device. */
  readonly lost: Promise<DeviceLostError>;

  /**
   * Copies numbers to the GPU. f16 data are rounded once to nearest even; integer types take integers in range only, BigInts too.
   * @throws ValidationError a bad shape, a data length that is not the product of the shape, or what is no number
   * @throws LimitError larger than one buffer of this device
   * @example gpu.tensor([1, 2, 3, 4], { shape: [2, 2] })
   */
  tensor<Data extends ArrayLike<number> | TypedArray, D extends DType = DTypeOf<Data>>(
    data: Data,
    options: TensorOptions<D>,
  ): Tensor<D>;

  /**
   * Copies bytes to the GPU as they are, little-endian: a tensor as a file of weights has it. f16 is not rounded again.
   * @throws ValidationError a bad shape, or another number of bytes than it has
   * @throws LimitError larger than one buffer of this device
   * @example gpu.fromBytes(file.subarray(begin, end), { shape: [4096, 64], dtype: 'f16' })
   */
  fromBytes<D extends DType>(
    bytes: ArrayBufferView | ArrayBuffer,
    options: BytesOptions<D>,
  ): Tensor<D>;

  /**
   * Allocates without writing: the contents are undefined.
   * Without `shader-f16`, f16 rows of odd length are padded to even; the strides tell.
   */
  empty<D extends DType = 'f32'>(shape: readonly number[], options?: EmptyOptions<D>): Tensor<D>;

  /**
   * Sees a buffer of yours as a tensor. heed never destroys it; `dispose()` only retires the tensor.
   * @throws ValidationError no STORAGE usage, a misaligned offset, or an extent beyond the buffer
   * @example gpu.wrap(buffer, { shape: [8, 64], dtype: 'f16', byteOffset: 512 })
   */
  wrap<D extends DType>(buffer: GPUBuffer, options: WrapOptions<D>): Tensor<D>;

  /**
   * Runs `fn` and sends everything it dispatched in one submit. Nested batches join the outermost.
   * If `fn` throws, what it had dispatched is still submitted (state kept on the host stays true), then the error goes on.
   * @throws ValidationError `fn` is async: the batch would be over before its work
   */
  batch<T>(fn: () => T): T;

  /**
   * Runs `fn`, and disposes the tensors that it made and did not return: what it returns may be a tensor, or an array or object
   * of them, at any depth. Their memory goes back when the work that reads it is submitted. Of memory that is returned in views
   * alone the views become the owners. What `fn` throws goes on.
   * @throws ValidationError `fn` is async
   * @example const loss = gpu.scope(() => { const h = layer(x); return head(h); }); // h is gone
   */
  scope<T>(fn: () => T): T;

  /** How much memory this Gpu takes now. */
  memory(): Memory;

  /**
   * Resolves when all work so far is done. Rejects with the first thing that went wrong on the GPU side since such an error
   * was last reported: CompileError, GpuError (validation, memory, internal) or DeviceLostError. What nobody awaits goes to the
   * `onError` of `openGpu`, and may still be awaited here.
   */
  settled(): Promise<void>;

  /**
   * Runs `fn` and measures each dispatch that it makes; labels come from the kernels.
   * @throws ValidationError (as a rejection) `fn` is async, or profiles are nested
   */
  profile<T>(fn: () => T): Promise<Profile<T>>;

  /** Frees what heed made, the device included if `openGpu` made it. Every tensor of this Gpu is invalid afterwards. */
  dispose(): void;
}

/**
 * A strided view of GPU memory.
 *
 * `permute`, `slice` and `reshape` borrow: the view lives as long as the memory does. Disposing the tensor that owns
 * the memory invalidates all its views; disposing a view retires only that view and frees nothing.
 */
export interface Tensor<D extends DType = DType> extends Disposable {
  readonly gpu: Gpu;
  /** @throws DisposedError after the memory was given back */
  readonly buffer: GPUBuffer;
  /** Where element (0, …, 0) lies in `buffer`. */
  readonly byteOffset: number;
  readonly shape: readonly number[];
  /** In elements of `dtype`. */
  readonly strides: readonly number[];
  readonly dtype: D;
  readonly label: string;

  /**
   * The values at the time of the call, in logical (row-major) order, whatever the strides; f16 widened to f32.
   * Flushes an open batch. Rejects with what went wrong on the GPU side before, with `signal.reason` on abort.
   */
  read(options?: ReadOptions): Promise<ReadArray<D>>;

  /** The same memory with its axes reordered: axis i of the result is `axes[i]` of this. */
  permute(axes: readonly number[]): Tensor<D>;

  /** Elements `start` to `end − 1` along one axis. */
  slice(axis: number, start: number, end: number): Tensor<D>;

  /**
   * The same elements in the same logical order under another shape.
   * @throws ValidationError these strides would need a copy
   */
  reshape(shape: readonly number[]): Tensor<D>;

  /** Gives the memory back (at the submit of an open batch). May be called twice. */
  dispose(): void;
}
