/** A piece of a buffer as it is bound, in bytes. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  /** Multiple of 256. */
  readonly offset: number;
  readonly size: number;
  /** heed made the buffer, and so nobody destroys it while it is bound. */
  readonly owned?: boolean;
}

/** The largest alignment that WebGPU lets a device ask for in binding offsets. */
export const BIND_ALIGNMENT = 256;

/** Bytes of a chunk, and so of the largest upload that goes through one; also WebGPU's default uniform binding size. */
export const chunkBytes = 65536;

/** Rounds up to a multiple; numbers above 2³¹ too. */
export function alignUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

/** A tensor as a kernel binds it. */
export interface BoundTensor {
  readonly range: BufferRange;
  /** Where element (0, …, 0) lies in the range, in elements of the tensor's dtype. */
  readonly elementOffset: number;
}

// WebGPU's numbers, so that nothing global (GPUBufferUsage, …) is needed in Node.
export const MAP_READ = 0x1;
export const COPY_SRC = 0x4;
export const COPY_DST = 0x8;
export const UNIFORM = 0x40;
export const STORAGE = 0x80;
export const QUERY_RESOLVE = 0x200;
export const MAP_MODE_READ = 0x1;
export const STAGE_COMPUTE = 0x4;
