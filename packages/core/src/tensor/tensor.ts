import { type GpuState, rawState } from '../host/gpu-state.ts';
import type { BoundTensor } from '../text/buffer-range.ts';
import type { DType, ReadArray } from '../text/dtype.ts';
import { DisposedError } from '../text/errors.ts';
import type { Gpu, ReadOptions, Tensor } from '../text/gpu.ts';
import { readOptions } from '../text/read-options.ts';
import { formatShape } from '../text/shape.ts';
import { permuteView, reshapeView, sliceView, type View } from '../text/strided-view.ts';
import { readNames, readTensor } from './read-tensor.ts';

/** Memory of tensors. Views share it; it is freed when its last owner is disposed. */
interface Storage {
  readonly buffer: GPUBuffer;
  /** True if heed allocated it and must release it. */
  readonly pooled: boolean;
  owners: number;
}

/** Removes one owner; releases the memory with the last. */
function releaseStorage(state: GpuState, storage: Storage): void {
  if (--storage.owners > 0 || !storage.pooled) return;
  state.tensors--;
  if (state.disposed) storage.buffer.destroy();
  else state.recorder.release(storage.buffer);
}

const tensorSymbol: unique symbol = Symbol.for('heed.tensor') as never;

interface Inner {
  readonly storage: Storage;
  owner: boolean;
  retired: boolean;
  /** Bindings of the tensor, by the bytes per load of a kernel. */
  bindings?: Map<number, BoundTensor>;
}

class HeedTensor implements Tensor {
  readonly gpu: Gpu;
  readonly byteOffset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly dtype: DType;
  readonly label: string;
  readonly [tensorSymbol]: Inner;

  constructor(gpu: Gpu, view: View, label: string, inner: Inner) {
    this.gpu = gpu;
    this.byteOffset = view.byteOffset;
    this.shape = Object.freeze(view.shape);
    this.strides = Object.freeze(view.strides);
    this.dtype = view.dtype;
    this.label = label;
    this[tensorSymbol] = inner;
  }

  get buffer(): GPUBuffer {
    assertAlive('buffer', this);
    return this[tensorSymbol].storage.buffer;
  }

  async read(options?: ReadOptions): Promise<ReadArray> {
    assertAlive('read', this);
    return readTensor(this, readOptions('read', options, readNames).signal);
  }

  permute(axes: readonly number[]): Tensor {
    assertAlive('permute', this);
    return this.#view(permuteView(this, axes));
  }

  slice(axis: number, start: number, end: number): Tensor {
    assertAlive('slice', this);
    return this.#view(sliceView(this, axis, start, end));
  }

  reshape(shape: readonly number[]): Tensor {
    assertAlive('reshape', this);
    return this.#view(reshapeView(this, shape));
  }

  #view(view: View): Tensor {
    const { storage } = this[tensorSymbol];
    return new HeedTensor(this.gpu, view, this.label, { storage, owner: false, retired: false });
  }

  dispose(): void {
    const inner = this[tensorSymbol];
    if (inner.retired) return;
    inner.retired = true;
    if (inner.owner) releaseStorage(rawState(this.gpu), inner.storage);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Makes a tensor that owns its memory. */
export function ownerTensor(gpu: Gpu, view: View, label: string, storage: Storage): Tensor {
  const state = rawState(gpu);
  if (storage.pooled) state.tensors++;
  const t = new HeedTensor(gpu, view, label, { storage, owner: true, retired: false });
  state.made?.add(t);
  return t;
}

/**
 * Makes a view an owner beside the tensor it was taken from: the memory is freed when all owners are disposed. So one allocation can
 * be returned as several tensors.
 * @example const dk = adopt(both.slice(0, 0, 1)); const dv = adopt(both.slice(0, 1, 2)); both.dispose()
 */
export function adopt<D extends DType>(view: Tensor<D>): Tensor<D> {
  assertAlive('adopt', view);
  const inner = (view as unknown as HeedTensor)[tensorSymbol];
  if (!inner.owner) {
    inner.owner = true;
    inner.storage.owners++;
    rawState(view.gpu).made?.add(view);
  }
  return view;
}

/**
 * Makes a second owner of a tensor's memory, which reads it from the start in another shape and type.
 * @param view lies within the memory
 */
export function retyped(t: Tensor, view: Omit<View, 'byteOffset'>, label: string): Tensor {
  assertAlive('retyped', t);
  const { storage } = (t as unknown as HeedTensor)[tensorSymbol];
  const inner = { storage, owner: false, retired: false };
  return adopt(new HeedTensor(t.gpu, { ...view, byteOffset: t.byteOffset }, label, inner));
}

/** True for a tensor of heed's, made by this installed copy of the package. */
export function isTensor(x: unknown): x is Tensor {
  return typeof x === 'object' && x !== null && tensorSymbol in x;
}

/** Returns the memory that a tensor shares with its views. */
export function storageOf(t: Tensor): Storage {
  return (t as HeedTensor)[tensorSymbol].storage;
}

/** Stands for the buffer of a tensor without memory. */
const noBuffer = { size: 0 } as GPUBuffer;

/** Makes a tensor without memory, for code that needs shapes only. It can be bound, but work that binds it must not be submitted. */
export function shapeOnly(gpu: Gpu, view: View): Tensor {
  return ownerTensor(gpu, view, 'shape', { buffer: noBuffer, pooled: false, owners: 1 });
}

/** True for a tensor that has a shape and no memory. */
export function isShapeOnly(t: Tensor): boolean {
  return storageOf(t).buffer === noBuffer;
}

/**
 * True if `part` is the first columns of `whole`, `whole.slice(-1, 0, n)`: the same memory, type and layout, found by buffer, offset
 * and strides.
 */
export function isColumnsOf(part: Tensor, whole: Tensor): boolean {
  const [a, b] = [storageOf(part), storageOf(whole)];
  const isSame = a === b || (a.buffer === b.buffer && a.buffer !== noBuffer);
  if (!isSame || part.byteOffset !== whole.byteOffset || part.dtype !== whole.dtype) return false;
  const last = whole.shape.length - 1;
  // The stride of a dimension of 1 does not matter.
  return (
    part.shape.length === whole.shape.length &&
    part.shape.every((n, i) => (i === last ? n <= whole.shape[i]! : n === whole.shape[i])) &&
    part.strides.every((stride, i) => whole.shape[i] === 1 || stride === whole.strides[i])
  );
}

/** True if heed allocated the memory of a tensor. */
export function isPooled(t: Tensor): boolean {
  return storageOf(t).pooled;
}

/** Returns the binding of a tensor for loads of `bytesPerLoad`; calls `make` the first time. */
export function knownBinding(
  t: Tensor,
  bytesPerLoad: number,
  make: () => BoundTensor,
): BoundTensor {
  const inner = (t as HeedTensor)[tensorSymbol];
  const bindings = (inner.bindings ??= new Map());
  let binding = bindings.get(bytesPerLoad);
  if (!binding) bindings.set(bytesPerLoad, (binding = make()));
  return binding;
}

/** True if neither the tensor nor the owner of its memory is disposed. */
export function isAlive(t: Tensor): boolean {
  const { retired, storage } = (t as HeedTensor)[tensorSymbol];
  return !retired && storage.owners > 0;
}

/** @throws DisposedError the tensor, or the owner of its memory, was disposed */
export function assertAlive(fn: string, t: Tensor, name = 'tensor'): void {
  if (!isAlive(t)) {
    throw new DisposedError(
      `${fn}: ${name} "${t.label}" ${formatShape(t.shape)} or the owner of its memory was disposed. Dispose an owner only after the last use of its views.`,
    );
  }
}
