import type { Dispatch } from '../text/kernel-dispatch.ts';
import { BindGroups, type Bound, createGroupOn } from './bind-groups.ts';
import type { Timer } from './dispatch-timers.ts';
import type { Faults } from './faults.ts';
import { ParamSlots } from './param-slots.ts';
import type { Launching, Recorded, Recorder } from './recorder.ts';
import type { UploadRing } from './upload-ring.ts';

/** Binds dispatches, and submits lists of them. Made with the first: who only moves tensors has no need of it. */
class Launcher implements Launching {
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

/** Encodes dispatches and submits them: all at once, or as few as a timer can measure. */
function submit(device: GPUDevice, list: readonly Recorded[], timer?: Timer): void {
  if (!timer) return submitOnce(device, (encoder) => encodeAll(encoder, list));
  for (let i = 0; i < list.length; i += timer.perSubmit) {
    const some = list.slice(i, i + timer.perSubmit);
    timer.begin(some.length);
    submitOnce(device, (encoder) => {
      for (const one of some) encodeTimed(encoder, one, timer);
      timer.end(encoder);
    });
    timer.submitted();
  }
}

function submitOnce(device: GPUDevice, encodeInto: (encoder: GPUCommandEncoder) => void): void {
  const encoder = device.createCommandEncoder();
  encodeInto(encoder);
  device.queue.submit([encoder.finish()]);
}

function encodeAll(encoder: GPUCommandEncoder, list: readonly Recorded[]): void {
  // Without a label, which would cost the host a microsecond: pipelines have theirs.
  const pass = encoder.beginComputePass();
  for (const one of list) encodeDispatch(pass, one, one.bound.group);
  pass.end();
}

function encodeTimed(encoder: GPUCommandEncoder, one: Recorded, timer: Timer): void {
  const label = one.label ?? one.kernel.label;
  const pass = encoder.beginComputePass({ label, ...timer.pass(label) });
  encodeDispatch(pass, one, one.bound.group);
  pass.end();
}

/** Sets pipeline and bindings and dispatches, in any compute pass. */
export function encodeDispatch(
  pass: GPUComputePassEncoder,
  { kernel, workgroups }: Dispatch,
  group: GPUBindGroup,
): void {
  pass.setPipeline(kernel.pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...workgroups);
}

/** What dispatches are called together. */
function labelOf(list: readonly Dispatch[]): string {
  const { label, kernel } = list[0]!;
  return list.length === 1 ? (label ?? kernel.label) : `heed batch of ${list.length}`;
}
