import type { Dispatch } from '../text/kernel-dispatch.ts';
import type { BindGroup } from './bind-groups.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Timer } from './dispatch-timers.ts';
import type { UploadRing } from './upload-ring.ts';

/** A dispatch with the bind group that it uses. */
export interface BoundDispatch extends Pick<Dispatch, 'kernel' | 'workgroups' | 'label'> {
  readonly bindGroup: BindGroup;
}

/** Submits lists of dispatches. */
export interface Launching {
  launch(list: readonly BoundDispatch[], timer: Timer | undefined): void;
  /** Forgets all bind groups. */
  clear(): void;
}

/**
 * Collects dispatches and submits them: one submit per dispatch, or one for all of an open batch. Encoding waits for the submit. So a
 * submit costs one error scope, and uploads and the reuse of buffers are ordered by one event.
 */
export class Recorder {
  readonly #ring: UploadRing;
  readonly #pool: BufferPool;
  #depth = 0;
  #recorded: BoundDispatch[] = [];
  #released: GPUBuffer[] = [];
  timer: Timer | undefined;
  /** Defined after the first dispatch. */
  launcher: Launching | undefined;

  constructor(ring: UploadRing, pool: BufferPool) {
    this.#ring = ring;
    this.#pool = pool;
  }

  record(...dispatches: readonly BoundDispatch[]): void {
    this.#recorded.push(...dispatches);
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

  /** Returns a buffer to the pool after the recorded work has been submitted. */
  release(buffer: GPUBuffer): void {
    if (this.#recorded.length === 0) this.#pool.release(buffer);
    else this.#released.push(buffer);
  }

  /** Returns a buffer to the pool after the next submit, which is the first to use it. */
  releaseAfterNextSubmit(buffer: GPUBuffer): void {
    this.#released.push(buffer);
  }

  /** Submits the recorded dispatches. An open batch stays open. */
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

  /** Forgets all recorded work and all bind groups. */
  drop(): void {
    this.#recorded = [];
    this.#released = [];
    this.launcher?.clear();
  }
}
