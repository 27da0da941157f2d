import type { BufferPool } from '../buffers/pool.ts';
import type { UploadRing } from '../buffers/ring.ts';
import type { Faults } from '../device/faults.ts';
import type { Timer } from '../profile/timer.ts';
import { BindGroups } from './bind-groups.ts';
import type { Dispatch } from './kernel.ts';

/**
 * Turns dispatches into submits: one each, or one for all of an open batch. Encoding waits until then, so that a
 * submit costs one error scope, and uploads and buffer reuse have one moment to be ordered by.
 */
export class Recorder {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #ring: UploadRing;
  readonly #pool: BufferPool;
  readonly #groups: BindGroups;
  #depth = 0;
  #recorded: Dispatch[] = [];
  #released: GPUBuffer[] = [];
  timer: Timer | undefined;

  constructor(device: GPUDevice, faults: Faults, ring: UploadRing, pool: BufferPool) {
    this.#device = device;
    this.#faults = faults;
    this.#ring = ring;
    this.#pool = pool;
    this.#groups = new BindGroups(device);
  }

  dispatch(d: Dispatch): void {
    this.#recorded.push(d);
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
    if (this.#recorded.length === 0) return;
    const list = this.#recorded;
    this.#recorded = [];
    const label = list.length === 1 ? labelOf(list[0] as Dispatch) : `heed batch of ${list.length}`;
    const perSubmit = this.timer?.perSubmit ?? list.length;
    try {
      this.#faults.scope(label, ['validation'], () => {
        this.#ring.flush();
        for (let i = 0; i < list.length; i += perSubmit)
          this.#submit(label, list.slice(i, i + perSubmit));
      });
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
    this.#groups.clear();
  }

  #submit(label: string, list: readonly Dispatch[]): void {
    const { timer } = this;
    // Labelled once, at the pass, which is all that it holds: every label costs the host a microsecond.
    const encoder = this.#device.createCommandEncoder();
    if (timer) {
      timer.begin(list.length);
      for (const d of list) {
        const pass = encoder.beginComputePass({ label: labelOf(d), ...timer.pass(labelOf(d)) });
        encodeDispatch(pass, d, this.#groups.get(d));
        pass.end();
      }
      timer.end(encoder);
    } else {
      const pass = encoder.beginComputePass({ label });
      for (const d of list) encodeDispatch(pass, d, this.#groups.get(d));
      pass.end();
    }
    this.#device.queue.submit([encoder.finish()]);
    timer?.submitted();
  }
}

function labelOf(d: Dispatch): string {
  return d.label ?? d.kernel.label;
}

/** Sets pipeline and bindings and dispatches, in any compute pass. */
export function encodeDispatch(
  pass: GPUComputePassEncoder,
  d: Dispatch,
  group: GPUBindGroup,
): void {
  const { bindings } = d.kernel.source;
  const offsets: number[] = [];
  for (let i = 0; i < bindings.length; i++)
    if (bindings[i] === 'uniform') offsets.push(d.buffers[i]!.offset);
  pass.setPipeline(d.kernel.pipeline);
  pass.setBindGroup(0, group, offsets);
  pass.dispatchWorkgroups(...d.workgroups);
}
