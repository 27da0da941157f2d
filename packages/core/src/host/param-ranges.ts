import { alignUp, type BufferRange } from '../text/buffer-range.ts';
import { Chunk } from './upload-ring.ts';

/** The part of a uniform buffer that holds the parameters of one bind group. */
export interface ParamRange extends BufferRange {
  readonly chunk: Chunk;
  /** The words that the range holds after the next flush. */
  readonly words: Uint32Array;
  /** Number of the last submit that uses it. */
  submit: number;
}

/**
 * The parameters of dispatches. They stay where their bind group reads them: equal ones are not written again, and others are
 * written just before the submit that reads them. A range that unsubmitted work uses is never rewritten, because `writeBuffer`
 * takes effect before recorded work.
 */
export class ParamRanges {
  readonly #device: GPUDevice;
  #chunks: Chunk[] = [];
  #retired: Chunk[] = [];
  /** Number of submits so far. */
  submit = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Allocates a range and writes `params`. As many words can be written there later. */
  take(params: Uint32Array): ParamRange {
    const size = Math.max(16, alignUp(params.byteLength, 16));
    let chunk = this.#chunks.at(-1);
    if (!chunk?.fits(size)) {
      chunk = new Chunk(this.#device, `heed parameters ${this.#chunks.length}`);
      this.#chunks.push(chunk);
    }
    const { buffer, bytes } = chunk;
    const offset = chunk.take(size);
    const words = new Uint32Array(bytes.buffer, offset, size / 4);
    const range = { buffer, offset, size, chunk, words, submit: this.submit };
    write(range, params);
    return range;
  }

  /**
   * Makes a range hold `params` at the next submit. Returns false if it holds others that unsubmitted work uses.
   */
  offer(range: ParamRange, params: Uint32Array): boolean {
    if (!holds(range, params)) {
      if (range.submit === this.submit) return false;
      write(range, params);
    }
    range.submit = this.submit;
    return true;
  }

  /** Uploads the bytes written since the last flush. */
  flush(): void {
    for (const chunk of this.#chunks) chunk.flush(this.#device);
    for (const chunk of this.#retired) chunk.flush(this.#device);
  }

  /** Marks all recorded work as submitted: every range may be rewritten. */
  submitted(): void {
    this.submit++;
    for (const { buffer } of this.#retired.splice(0)) buffer.destroy();
  }

  /** Forgets all ranges. Recorded work may use them until its submit. */
  clear(): void {
    this.#retired.push(...this.#chunks.splice(0));
  }
}

function holds({ words }: ParamRange, params: Uint32Array): boolean {
  for (let i = 0; i < params.length; i++) if (words[i] !== params[i]) return false;
  return true;
}

function write(
  { chunk, offset }: ParamRange,
  { buffer, byteOffset, byteLength }: Uint32Array,
): void {
  chunk.write(new Uint8Array(buffer, byteOffset, byteLength), offset);
}
