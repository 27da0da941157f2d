import type { Dispatch } from '../text/kernel-dispatch.ts';
import type { Bound } from './bind-groups.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Timer } from './dispatch-timers.ts';
import type { UploadRing } from './upload-ring.ts';

/** A dispatch with the bind group that it uses. */
export interface Recorded extends Dispatch {
  readonly bound: Bound;
}

/** What submits a list of dispatches. */
export interface Launching {
  launch(list: readonly Recorded[], timer: Timer | undefined): void;
  /** Forgets what it has bound. */
  clear(): void;
}

/**
 * Turns dispatches into submits: one each, or one for all of an open batch. Encoding waits until then, so that a
 * submit costs one error scope, and uploads and buffer reuse have one moment to be ordered by.
 */
export class Recorder {
  readonly #ring: UploadRing;
  readonly #pool: BufferPool;
  #depth = 0;
  #recorded: Recorded[] = [];
  #released: GPUBuffer[] = [];
  timer: Timer | undefined;
  /** There once something has been dispatched. */
  launcher: Launching | undefined;

  constructor(ring: UploadRing, pool: BufferPool) {
    this.#ring = ring;
    this.#pool = pool;
  }

  record(dispatch: Recorded): void {
    this.#recorded.push(dispatch);
    if (this.#depth === 0) this.flush();
  }

  batch<T>(fn: () => T): T {
    if (this.#depth++ === 0) this.#ring.mark();
    try {
      return fn();
    } finally {
      if (--this.#depth === 0) {
        this.flush();
        this.#ring.rewind();
      }
    }
  }

  /** Back to the pool once what is recorded has been submitted. */
  release(buffer: GPUBuffer): void {
    if (this.#recorded.length === 0) this.#pool.release(buffer);
    else this.#released.push(buffer);
  }

  /** Back to the pool after the next submit, which will be the first to name it. */
  releaseAfterNextSubmit(buffer: GPUBuffer): void {
    this.#released.push(buffer);
  }

  /** Submits what is recorded; a batch stays open. */
  flush(): void {
    const list = this.#recorded;
    if (list.length === 0) return;
    this.#recorded = [];
    try {
      this.launcher?.launch(list, this.timer);
    } finally {
      this.#ring.submitted();
      for (const buffer of this.#released) this.#pool.release(buffer);
      this.#released = [];
    }
  }

  /** Forgets what is recorded and kept. */
  drop(): void {
    this.#recorded = [];
    this.#released = [];
    this.launcher?.clear();
  }
}
