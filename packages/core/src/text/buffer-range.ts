/** A piece of a buffer, in bytes, as a bind group names it. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  /** Multiple of 256. */
  readonly offset: number;
  readonly size: number;
  /** True if heed owns the buffer, so that it is not destroyed while a bind group uses it. */
  readonly owned?: boolean;
}

/** The largest alignment of binding offsets that WebGPU lets a device require. */
export const BIND_ALIGNMENT = 256;

/** Bytes of a chunk, hence of the largest upload through one; also WebGPU's default limit of a uniform binding. */
export const chunkBytes = 65536;

/** Rounds up to a multiple; exact above 2³¹ too. */
export function alignUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

/** The range that a kernel binds to read or write a tensor. */
export interface BoundTensor {
  readonly range: BufferRange;
  /** Offset of element (0, …, 0) in the range, in elements of the tensor's dtype. */
  readonly elementOffset: number;
}

// WebGPU's numbers, since Node has no global GPUBufferUsage.
export const MAP_READ = 0x1;
export const COPY_SRC = 0x4;
export const COPY_DST = 0x8;
export const UNIFORM = 0x40;
export const STORAGE = 0x80;
export const QUERY_RESOLVE = 0x200;
export const MAP_MODE_READ = 0x1;
export const STAGE_COMPUTE = 0x4;
