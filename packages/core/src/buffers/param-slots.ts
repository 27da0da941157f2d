import { alignUp, BIND_ALIGNMENT, type BufferRange } from './range.ts';
import { chunkBytes } from './ring.ts';
import { COPY_DST, UNIFORM } from './usage.ts';

interface Chunk {
  readonly buffer: GPUBuffer;
  /** What the buffer will hold after the next flush. */
  readonly words: Uint32Array<ArrayBuffer>;
  // In words.
  head: number;
  dirtyFrom: number;
  dirtyTo: number;
}

/** A window of a uniform buffer, for the parameters of one bind group. */
export interface ParamSlot extends BufferRange {
  readonly chunk: Chunk;
  /** The submit that named it last. */
  submit: number;
}

/**
 * The parameters of dispatches, which stay where their bind group finds them: equal ones are not written again, others go over
 * them with one `writeBuffer` per chunk just before the submit that reads them. A slot that unsubmitted work names is never
 * rewritten: `writeBuffer` overtakes recorded work.
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
    const chunk = this.#chunkWith(size);
    const offset = chunk.head * 4;
    chunk.head += alignUp(size, BIND_ALIGNMENT) / 4;
    const slot = { buffer: chunk.buffer, offset, size, chunk, submit: this.submit };
    this.#write(slot, params);
    return slot;
  }

  /** Whether the slot holds these parameters for the next submit: it did before, or no unsubmitted work names it. */
  offer(slot: ParamSlot, params: Uint32Array): boolean {
    if (!holds(slot, params)) {
      if (slot.submit === this.submit) return false;
      this.#write(slot, params);
    }
    slot.submit = this.submit;
    return true;
  }

  #chunkWith(size: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last && last.head * 4 + size <= chunkBytes) return last;
    const buffer = this.#device.createBuffer({
      label: `heed parameters ${this.#chunks.length}`,
      size: chunkBytes,
      usage: UNIFORM | COPY_DST,
    });
    const words = new Uint32Array(chunkBytes / 4);
    const chunk = { buffer, words, head: 0, dirtyFrom: Infinity, dirtyTo: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  #write({ chunk, offset }: ParamSlot, params: Uint32Array): void {
    const at = offset / 4;
    chunk.words.set(params, at);
    chunk.dirtyFrom = Math.min(chunk.dirtyFrom, at);
    chunk.dirtyTo = Math.max(chunk.dirtyTo, at + params.length);
  }

  /** Uploads what changed since the last flush. */
  flush(): void {
    for (const chunk of this.#chunks) this.#flush(chunk);
    for (const chunk of this.#retired) this.#flush(chunk);
  }

  #flush(chunk: Chunk): void {
    const { buffer, words, dirtyFrom, dirtyTo } = chunk;
    if (dirtyTo === 0) return;
    this.#device.queue.writeBuffer(buffer, dirtyFrom * 4, words, dirtyFrom, dirtyTo - dirtyFrom);
    chunk.dirtyFrom = Infinity;
    chunk.dirtyTo = 0;
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

function holds({ chunk, offset }: ParamSlot, params: Uint32Array): boolean {
  const at = offset / 4;
  for (let i = 0; i < params.length; i++) if (chunk.words[at + i] !== params[i]) return false;
  return true;
}
