import { type Gpu, LimitError, type Tensor } from '@heed/core';
import {
  bindTensor,
  type BufferRange,
  bytesPerElement,
  elementExtent,
  formatShape,
  threadGrid,
  uploadStorage,
  WORKGROUP,
} from '@heed/core/kernel';

/** Bindings start at multiples of this. */
const alignment = 256;

/**
 * What binding would find, before anything has changed.
 * @throws LimitError the tensor spans more bytes than one binding holds
 */
export function checkBindable(fn: string, name: string, t: Tensor): void {
  const most = t.gpu.device.limits.maxStorageBufferBindingSize;
  const bytes = elementExtent(t.shape, t.strides) * bytesPerElement[t.dtype];
  if ((t.byteOffset % alignment) + bytes <= most) return;
  throw new LimitError(
    `${fn}: ${name} must fit one binding, ${most} bytes on this device; got ${bytes} bytes, ${formatShape(t.shape)}. ` +
      'Pass fewer rows at a time.',
  );
}

/** A [tokens, heads, dim] tensor as a kernel binds it. */
interface BoundRows {
  readonly range: BufferRange;
  /** Words of the WGSL struct `Rows`. */
  readonly values: readonly number[];
}

/** @param words 32-bit words that a row takes where it is written */
export function bindRows(t: Tensor, words: number): BoundRows {
  const { range, elementOffset } = bindTensor(t);
  const [token, head, element] = t.strides as [number, number, number];
  const isHalf = t.dtype === 'f16' ? 1 : 0;
  return {
    range,
    values: [elementOffset, token, head, element, t.shape[2]!, isHalf, words, 0],
  };
}

/** A list of integers as a kernel binds it: where it starts and its stride, in elements. */
interface BoundIntegers {
  readonly range: BufferRange;
  readonly start: number;
  readonly step: number;
}

/** A list on the host is uploaded, for dispatches of the current batch. */
export function bindIntegers(gpu: Gpu, list: Int32Array | Tensor): BoundIntegers {
  if (list instanceof Int32Array) return { range: uploadStorage(gpu, list), start: 0, step: 1 };
  const { range, elementOffset } = bindTensor(list);
  return { range, start: elementOffset, step: list.strides[0]! };
}

/**
 * The grid of `threads` threads, once for every pool that the kernel serves.
 * @throws LimitError more threads than 32 bits number
 */
export function workgroupsOf(
  gpu: Gpu,
  fn: string,
  threads: number,
  pools: 1 | 2,
): [x: number, y: number, z: number] {
  if (threads > 2 ** 32 - WORKGROUP) {
    throw new LimitError(
      `${fn}: one call writes fewer than 2³² words; got ${threads}. Split it into several calls.`,
    );
  }
  const [x, y] = threadGrid(gpu, threads);
  return [x, y, pools];
}
