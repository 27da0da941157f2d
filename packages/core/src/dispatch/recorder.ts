import type { BufferPool } from '../buffers/pool.ts';
import { ParamSlots } from '../buffers/param-slots.ts';
import type { UploadRing } from '../buffers/ring.ts';
import type { Faults } from '../device/faults.ts';
import type { Timer } from '../profile/timer.ts';
import { BindGroups } from './bind-groups.ts';
import { createGroupOn } from './binding.ts';
import type { Dispatch } from './kernel.ts';
import { labelOf, type Recorded, submit } from './submit.ts';

/**
 * Turns dispatches into submits: one each, or one for all of an open batch. Encoding waits until then, so that a
 * submit costs one error scope, and uploads and buffer reuse have one moment to be ordered by.
 */
export class Recorder {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #ring: UploadRing;
  readonly #pool: BufferPool;
  readonly #slots: ParamSlots;
  readonly #groups: BindGroups;
  #depth = 0;
  #recorded: Recorded[] = [];
  #released: GPUBuffer[] = [];
  timer: Timer | undefined;

  constructor(device: GPUDevice, faults: Faults, ring: UploadRing, pool: BufferPool) {
    this.#device = device;
    this.#faults = faults;
    this.#ring = ring;
    this.#pool = pool;
    this.#slots = new ParamSlots(device);
    const create = createGroupOn(device);
    this.#groups = new BindGroups(this.#slots, (kernel, buffers, params, refused) =>
      faults.scope(kernel.label, ['validation'], () => create(kernel, buffers, params), refused),
    );
  }

  dispatch(d: Dispatch): void {
    this.#recorded.push({ ...d, bound: this.#groups.get(d) });
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
      this.#watched(list, () => {
        this.#ring.flush();
        this.#slots.flush();
        submit(this.#device, list, this.timer);
      });
    } finally {
      this.#ring.submitted();
      this.#slots.submitted();
      for (const buffer of this.#released) this.#pool.release(buffer);
      this.#released = [];
    }
  }

  // An error scope costs the host a tenth of a submit, so it is left out where nothing can be wrong: what was right once
  // stays right while nobody else can destroy its buffers.
  #watched(list: readonly Recorded[], fn: () => void): void {
    if (!this.timer && list.every(({ bound }) => bound.isOwned && bound.isProven)) return fn();
    const follows = (): false | undefined =>
      list.some(({ bound }) => bound.isRefused) ? false : undefined;
    this.#faults.scope(labelOf(list), ['validation'], fn, follows, () => {
      for (const { bound } of list) bound.isProven = true;
    });
  }

  /** Forgets what is recorded and kept. */
  drop(): void {
    this.#recorded = [];
    this.#released = [];
    this.#groups.clear();
    this.#slots.submitted();
  }
}
