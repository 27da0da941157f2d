import { Chunk } from './chunk.ts';
import { alignUp, BIND_ALIGNMENT, type BufferRange } from './range.ts';

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
