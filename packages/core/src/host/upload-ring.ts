import {
  alignUp,
  BIND_ALIGNMENT,
  type BufferRange,
  chunkBytes,
  COPY_DST,
  STORAGE,
  UNIFORM,
} from '../text/buffer-range.ts';

/** A buffer that the host fills piece by piece and uploads with one `writeBuffer`. */
export class Chunk {
  readonly buffer: GPUBuffer;
  /** The contents of the buffer after the next flush. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(chunkBytes);
  /** Offset of the next piece. */
  head = 0;
  #from = chunkBytes;
  #to = 0;

  constructor(device: GPUDevice, label: string) {
    const usage = UNIFORM | STORAGE | COPY_DST;
    this.buffer = device.createBuffer({ label, size: chunkBytes, usage });
  }

  /** True if `size` bytes are free. */
  fits(size: number): boolean {
    return this.head + size <= chunkBytes;
  }

  /** Reserves `size` bytes for the caller; returns their offset. */
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

  /** Uploads the bytes written since the last flush. */
  flush({ queue }: GPUDevice): void {
    if (this.#to === 0) return;
    queue.writeBuffer(this.buffer, this.#from, this.bytes, this.#from, this.#to - this.#from);
    this.#from = chunkBytes;
    this.#to = 0;
  }
}

interface RingChunk {
  readonly chunk: Chunk;
  /** Number of the last submit that uses it. */
  submit: number;
}

/**
 * Small read-only data (lengths, block tables), packed on the host and uploaded with one `writeBuffer` per chunk just before the
 * submit that reads it. A chunk that unsubmitted work uses is never rewritten, because `writeBuffer` takes effect before recorded work.
 */
export class UploadRing {
  /** For tests: fills the bytes between the end of a slice and the start of the next. */
  tail: Uint8Array | undefined;
  readonly #device: GPUDevice;
  readonly #chunks: RingChunk[] = [];
  #current = 0;
  #submit = 0;
  #mark: { readonly chunk: Chunk; readonly index: number; readonly head: number } | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Copies `data`, at most {@link chunkBytes}, into a new slice of whole words. */
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

  /** Uploads the slices pushed since the last flush. */
  flush(): void {
    for (const { chunk } of this.#chunks) chunk.flush(this.#device);
  }

  /** Marks all slices as submitted: chunks may be rewritten. */
  submitted(): void {
    this.#submit++;
  }

  /** Remembers the position of the next slice. */
  mark(): void {
    const chunk = this.#chunks[this.#current]?.chunk;
    this.#mark = chunk && { chunk, index: this.#current, head: chunk.head };
  }

  /**
   * Goes back to the mark; all slices pushed after it have been submitted. The same calls then get the same slices, so their bind
   * groups are reused.
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
