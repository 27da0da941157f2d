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

/** Rounds up to a multiple; numbers above 2³¹ too. */
export function alignUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
