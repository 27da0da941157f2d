import { Chunk } from './upload-ring.ts';
import { alignUp, type BufferRange } from '../text/buffer-range.ts';

/** A window of a uniform buffer, for the parameters of one bind group. */
export interface ParamSlot extends BufferRange {
  readonly chunk: Chunk;
  /** The words of the window, as they will be after the next flush. */
  readonly words: Uint32Array;
  /** The submit that named it last. */
  submit: number;
}

/**
 * The parameters of dispatches, which stay where their bind group finds them: equal ones are not written again, others go over
 * them just before the submit that reads them. A slot that unsubmitted work names is never rewritten: `writeBuffer` overtakes
 * recorded work.
 */
export class ParamSlots {
  readonly #device: GPUDevice;
  #chunks: Chunk[] = [];
  #retired: Chunk[] = [];
  /** Counts submits. */
  submit = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A slot of its own for these parameters and later ones of their number. */
  take(params: Uint32Array): ParamSlot {
    const size = Math.max(16, alignUp(params.byteLength, 16));
    let chunk = this.#chunks.at(-1);
    if (!chunk?.fits(size)) {
      chunk = new Chunk(this.#device, `heed parameters ${this.#chunks.length}`);
      this.#chunks.push(chunk);
    }
    const { buffer, bytes } = chunk;
    const offset = chunk.take(size);
    const words = new Uint32Array(bytes.buffer, offset, size / 4);
    const slot = { buffer, offset, size, chunk, words, submit: this.submit };
    write(slot, params);
    return slot;
  }

  /** Whether the slot holds these parameters for the next submit: it did before, or no unsubmitted work names it. */
  offer(slot: ParamSlot, params: Uint32Array): boolean {
    if (!holds(slot, params)) {
      if (slot.submit === this.submit) return false;
      write(slot, params);
    }
    slot.submit = this.submit;
    return true;
  }

  /** Uploads what changed since the last flush. */
  flush(): void {
    for (const chunk of this.#chunks) chunk.flush(this.#device);
    for (const chunk of this.#retired) chunk.flush(this.#device);
  }

  /** All that was recorded has been submitted: slots may be rewritten. */
  submitted(): void {
    this.submit++;
    for (const { buffer } of this.#retired.splice(0)) buffer.destroy();
  }

  /** Forgets all slots; what is recorded may still name them until its submit. */
  clear(): void {
    this.#retired.push(...this.#chunks.splice(0));
  }
}

function holds({ words }: ParamSlot, params: Uint32Array): boolean {
  for (let i = 0; i < params.length; i++) if (words[i] !== params[i]) return false;
  return true;
}

function write(
  { chunk, offset }: ParamSlot,
  { buffer, byteOffset, byteLength }: Uint32Array,
): void {
  chunk.write(new Uint8Array(buffer, byteOffset, byteLength), offset);
}
