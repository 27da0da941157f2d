import { alignUp, BIND_ALIGNMENT, type BufferRange } from './range.ts';
import { COPY_DST, STORAGE } from './usage.ts';

/** Bytes of one chunk, and so of the largest upload that goes through the ring; also WebGPU's default uniform binding size. */
export const chunkBytes = 65536;

interface Chunk {
  readonly buffer: GPUBuffer;
  readonly bytes: Uint8Array<ArrayBuffer>;
  head: number;
  flushed: number;
  submit: number;
}

/**
 * Small read-only data (lengths, tables), packed on the host and uploaded with one `writeBuffer` per chunk just
 * before the submit that reads it. A chunk that unsubmitted work names is never rewritten: `writeBuffer` overtakes recorded work.
 */
export class UploadRing {
  readonly #device: GPUDevice;
  readonly #chunks: Chunk[] = [];
  #current = 0;
  #submit = 0;
  #mark: { readonly chunk: Chunk; readonly index: number; readonly head: number } | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Copies `data` (at most {@link chunkBytes}) into a slice of its own, in whole words. */
  push(data: Uint8Array): BufferRange {
    const size = Math.max(4, alignUp(data.byteLength, 4));
    let chunk = this.#chunks[this.#current];
    if (!chunk || chunk.head + size > chunkBytes) chunk = this.#next();
    const offset = chunk.head;
    chunk.bytes.set(data, offset);
    chunk.head = offset + alignUp(size, BIND_ALIGNMENT);
    chunk.submit = this.#submit;
    return { buffer: chunk.buffer, offset, size, owned: true };
  }

  #next(): Chunk {
    const index = this.#chunks.length === 0 ? 0 : (this.#current + 1) % this.#chunks.length;
    const oldest = this.#chunks[index];
    if (oldest && oldest.submit < this.#submit) {
      this.#current = index;
      oldest.head = oldest.flushed = 0;
      return oldest;
    }
    const chunk: Chunk = {
      buffer: this.#device.createBuffer({
        label: `heed ring ${this.#chunks.length}`,
        size: chunkBytes,
        usage: STORAGE | COPY_DST,
      }),
      bytes: new Uint8Array(chunkBytes),
      head: 0,
      flushed: 0,
      submit: this.#submit,
    };
    this.#current = this.#chunks.length === 0 ? 0 : this.#current + 1;
    this.#chunks.splice(this.#current, 0, chunk);
    return chunk;
  }

  /** Uploads what is new since the last flush. */
  flush(): void {
    for (const chunk of this.#chunks) {
      if (chunk.head === chunk.flushed) continue;
      this.#device.queue.writeBuffer(
        chunk.buffer,
        chunk.flushed,
        chunk.bytes,
        chunk.flushed,
        chunk.head - chunk.flushed,
      );
      chunk.flushed = chunk.head;
    }
  }

  /** Everything pushed so far has been submitted: chunks may be rewritten. */
  submitted(): void {
    this.#submit++;
  }

  /** Remembers where the next slice will lie. */
  mark(): void {
    const chunk = this.#chunks[this.#current];
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
    chunk.flushed = Math.min(chunk.flushed, head);
  }

  close(): void {
    for (const { buffer } of this.#chunks) buffer.destroy();
    this.#chunks.length = 0;
  }
}
