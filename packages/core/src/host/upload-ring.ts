import {
  alignUp,
  BIND_ALIGNMENT,
  type BufferRange,
  chunkBytes,
  COPY_DST,
  STORAGE,
  UNIFORM,
} from '../text/buffer-range.ts';

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

interface RingChunk {
  readonly chunk: Chunk;
  /** The submit before which it was taken from last. */
  submit: number;
}

/**
 * Small read-only data (lengths, tables), packed on the host and uploaded with one `writeBuffer` per chunk just
 * before the submit that reads it. A chunk that unsubmitted work names is never rewritten: `writeBuffer` overtakes recorded work.
 */
export class UploadRing {
  /** For tests: what follows a slice, up to where the next may begin. */
  tail: Uint8Array | undefined;
  readonly #device: GPUDevice;
  readonly #chunks: RingChunk[] = [];
  #current = 0;
  #submit = 0;
  #mark: { readonly chunk: Chunk; readonly index: number; readonly head: number } | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Copies `data` (at most {@link chunkBytes}) into a slice of its own, in whole words. */
  push(data: Uint8Array): BufferRange {
    const size = Math.max(4, alignUp(data.byteLength, 4));
    let current = this.#chunks[this.#current];
    if (!current?.chunk.fits(size)) current = this.#next();
    current.submit = this.#submit;
    const { chunk } = current;
    const offset = chunk.take(size);
    chunk.write(data, offset);
    if (this.tail) {
      const end = alignUp(size, BIND_ALIGNMENT) - data.byteLength;
      chunk.write(this.tail.subarray(0, end), offset + data.byteLength);
    }
    return { buffer: chunk.buffer, offset, size, owned: true };
  }

  #next(): RingChunk {
    const { length } = this.#chunks;
    const index = length === 0 ? 0 : (this.#current + 1) % length;
    const oldest = this.#chunks[index];
    if (oldest && oldest.submit < this.#submit) {
      this.#current = index;
      oldest.chunk.head = 0;
      return oldest;
    }
    const made = { chunk: new Chunk(this.#device, `heed ring ${length}`), submit: 0 };
    this.#current = length === 0 ? 0 : this.#current + 1;
    this.#chunks.splice(this.#current, 0, made);
    return made;
  }

  /** Uploads what is new since the last flush. */
  flush(): void {
    for (const { chunk } of this.#chunks) chunk.flush(this.#device);
  }

  /** Everything pushed so far has been submitted: chunks may be rewritten. */
  submitted(): void {
    this.#submit++;
  }

  /** Remembers where the next slice will lie. */
  mark(): void {
    const chunk = this.#chunks[this.#current]?.chunk;
    this.#mark = chunk && { chunk, index: this.#current, head: chunk.head };
  }

  /**
   * Goes back to the mark, since what was pushed after it has been submitted. So the same calls get the same slices, and
   * their bind groups serve again.
   */
  rewind(): void {
    if (!this.#mark) return;
    const { chunk, index, head } = this.#mark;
    this.#current = index;
    chunk.head = head;
  }

  close(): void {
    for (const { chunk } of this.#chunks) chunk.buffer.destroy();
    this.#chunks.length = 0;
  }
}
