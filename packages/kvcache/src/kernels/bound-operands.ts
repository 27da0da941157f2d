import { type Gpu, LimitError, type Tensor } from '@heed/core';
import {
  bindTensor,
  type BufferRange,
  bytesPerElement,
  elementExtent,
  formatShape,
  placeholder,
  threadGrid,
  uploadStorage,
  WORKGROUP,
} from '@heed/core/kernel';
import type { PageGeometry } from '../pages/page-geometry.ts';
import type { Pool } from './page-pools.ts';
import { typeNumbers } from './row-reads.wgsl.ts';

/** Offsets of bindings are multiples of this. */
const alignment = 256;

/**
 * Checks before any change that a tensor can be bound.
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

/** A [tokens, heads, dim] tensor, bound for a kernel. */
interface BoundRows {
  readonly range: BufferRange;
  /** Values of the WGSL struct `Rows`. */
  readonly values: readonly number[];
}

/**
 * Binds rows.
 * @param words 32-bit words of a row at its destination
 * @param page words from a page to the next, where the destination has pages
 */
export function bindRows(t: Tensor, words: number, page = 0): BoundRows {
  const { range, elementOffset } = bindTensor(t);
  const [token, head, element] = t.strides as [number, number, number];
  return {
    range,
    values: [elementOffset, token, head, element, t.shape[2]!, typeNumbers[t.dtype]!, words, page],
  };
}

/** A list of integers, bound for a kernel, with its start and stride in elements. */
interface BoundIntegers {
  readonly range: BufferRange;
  readonly start: number;
  readonly step: number;
}

/** Binds a list of integers. A list on the host is uploaded for the dispatches of the current batch. */
export function bindIntegers(gpu: Gpu, list: Int32Array | Tensor): BoundIntegers {
  if (list instanceof Int32Array) return { range: uploadStorage(gpu, list), start: 0, step: 1 };
  const { range, elementOffset } = bindTensor(list);
  return { range, start: elementOffset, step: list.strides[0]! };
}

/** Binds the pools of k and of v of a kernel that writes them. Without one for values, the kernel runs for keys alone. */
export function writtenPools(gpu: Gpu, { sharedKv }: PageGeometry, { k, v }: Pool): BufferRange[] {
  return [bindTensor(k).range, sharedKv ? placeholder(gpu, 'write') : bindTensor(v).range];
}

/**
 * Returns a grid of `threads` threads per pool.
 * @throws LimitError more threads than 32-bit indices allow
 */
export function workgroupsOf(
  gpu: Gpu,
  fn: string,
  threads: number,
  pools: number,
): [x: number, y: number, z: number] {
  if (threads > 2 ** 32 - WORKGROUP) {
    throw new LimitError(
      `${fn}: one call writes fewer than 2³² words; got ${threads}. Split it into several calls.`,
    );
  }
  const [x, y] = threadGrid(gpu, threads);
  return [x, y, pools];
}
