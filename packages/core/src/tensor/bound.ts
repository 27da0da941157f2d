import type { BufferRange } from '../buffers/range.ts';

/** A tensor as a kernel binds it. */
export interface BoundTensor {
  readonly range: BufferRange;
  /** Where element (0, …, 0) lies in the range, in elements of the tensor's dtype. */
  readonly elementOffset: number;
}
