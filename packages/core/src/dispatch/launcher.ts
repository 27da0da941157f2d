import { ParamSlots } from '../buffers/param-slots.ts';
import type { UploadRing } from '../buffers/ring.ts';
import type { Faults } from '../device/faults.ts';
import type { Timer } from '../profile/timer.ts';
import { BindGroups } from './bind-groups.ts';
import { type Bound, createGroupOn } from './binding.ts';
import type { Dispatch } from './kernel.ts';
import type { Launching, Recorder } from './recorder.ts';
import { labelOf, type Recorded, submit } from './submit.ts';

/** Binds dispatches, and submits lists of them. Made with the first: who only moves tensors has no need of it. */
export class Launcher implements Launching {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #ring: UploadRing;
  readonly #slots: ParamSlots;
  readonly #groups: BindGroups;

  constructor(device: GPUDevice, faults: Faults, ring: UploadRing) {
    this.#device = device;
    this.#faults = faults;
    this.#ring = ring;
    this.#slots = new ParamSlots(device);
    const create = createGroupOn(device);
    this.#groups = new BindGroups(this.#slots, (kernel, buffers, params, refused) =>
      faults.scope(kernel.label, ['validation'], () => create(kernel, buffers, params), refused),
    );
  }

  /** @throws ValidationError it would read and write one buffer */
  bind(d: Dispatch): Bound {
    return this.#groups.get(d);
  }

  launch(list: readonly Recorded[], timer: Timer | undefined): void {
    try {
      this.#watched(list, timer, () => {
        this.#ring.flush();
        this.#slots.flush();
        submit(this.#device, list, timer);
      });
    } finally {
      this.#slots.submitted();
    }
  }

  // An error scope costs the host a tenth of a submit, so it is left out where nothing can be wrong: what was right once
  // stays right while nobody else can destroy its buffers.
  #watched(list: readonly Recorded[], timer: Timer | undefined, fn: () => void): void {
    if (!timer && list.every(({ bound }) => bound.isOwned && bound.isProven)) return fn();
    const follows = (): false | undefined =>
      list.some(({ bound }) => bound.isRefused) ? false : undefined;
    this.#faults.scope(labelOf(list), ['validation'], fn, follows, () => {
      for (const { bound } of list) bound.isProven = true;
    });
  }

  clear(): void {
    this.#groups.clear();
    this.#slots.submitted();
  }
}

interface Parts {
  readonly device: GPUDevice;
  readonly faults: Faults;
  readonly ring: UploadRing;
  readonly recorder: Recorder;
}

/** That of a Gpu. */
export function launcherOf({ device, faults, ring, recorder }: Parts): Launcher {
  return (recorder.launcher ??= new Launcher(device, faults, ring)) as Launcher;
}
