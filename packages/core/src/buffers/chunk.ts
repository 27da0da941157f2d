import { alignUp, BIND_ALIGNMENT } from './range.ts';
import { COPY_DST, STORAGE, UNIFORM } from './usage.ts';

/** Bytes of a chunk, and so of the largest upload that goes through one; also WebGPU's default uniform binding size. */
export const chunkBytes = 65536;

/** A buffer that is written on the host, piece by piece, and uploaded with one `writeBuffer`. */
export class Chunk {
  readonly buffer: GPUBuffer;
  /** What the buffer will hold after the next flush. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(chunkBytes);
  /** Where the next window begins. */
  head = 0;
  #from = chunkBytes;
  #to = 0;

  constructor(device: GPUDevice, label: string) {
    const usage = UNIFORM | STORAGE | COPY_DST;
    this.buffer = device.createBuffer({ label, size: chunkBytes, usage });
  }

  /** Whether a window of so many bytes is left. */
  fits(size: number): boolean {
    return this.head + size <= chunkBytes;
  }

  /** Where a window of so many bytes begins, which is its caller's from now on. */
  take(size: number): number {
    const offset = this.head;
    this.head += alignUp(size, BIND_ALIGNMENT);
    return offset;
  }

  write(data: Uint8Array, offset: number): void {
    this.bytes.set(data, offset);
    this.#from = Math.min(this.#from, offset);
    this.#to = Math.max(this.#to, alignUp(offset + data.byteLength, 4));
  }

  /** Uploads what was written since the last flush. */
  flush({ queue }: GPUDevice): void {
    if (this.#to === 0) return;
    queue.writeBuffer(this.buffer, this.#from, this.bytes, this.#from, this.#to - this.#from);
    this.#from = chunkBytes;
    this.#to = 0;
  }
}
