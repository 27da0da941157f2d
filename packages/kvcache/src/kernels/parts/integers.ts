import type { Gpu, Tensor } from '@heed/core';
import { bindTensor, type BufferRange, uploadStorage } from '@heed/core/kernel';

/** A list of integers as a kernel binds it: where it starts and its stride, in elements. */
export interface BoundIntegers {
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
