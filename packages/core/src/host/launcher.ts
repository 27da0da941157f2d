import type { Dispatch } from '../text/kernel-dispatch.ts';
import { BindGroups, type BindGroup, type CreateGroup, createGroupOn } from './bind-groups.ts';
import type { Timer } from './dispatch-timers.ts';
import type { Faults } from './faults.ts';
import { ParamRanges } from './param-ranges.ts';
import type { BoundDispatch, Launching, Recorder } from './recorder.ts';
import type { UploadRing } from './upload-ring.ts';

/** Finds the bind groups of dispatches, and submits lists of dispatches. Created by the first dispatch: moving tensors needs none. */
class Launcher implements Launching {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #ring: UploadRing;
  readonly #params: ParamRanges;
  readonly #groups: BindGroups;

  constructor(device: GPUDevice, faults: Faults, ring: UploadRing) {
    this.#device = device;
    this.#faults = faults;
    this.#ring = ring;
    this.#params = new ParamRanges(device);
    const { maxStorageBufferBindingSize } = device.limits;
    this.#groups = new BindGroups(
      this.#params,
      watchedGroups(device, faults),
      maxStorageBufferBindingSize,
    );
  }

  /** @throws ValidationError the dispatch would read and write one buffer */
  bindGroupOf(d: Dispatch): BindGroup {
    return this.#groups.get(d);
  }

  launch(list: readonly BoundDispatch[], timer: Timer | undefined): void {
    try {
      this.#watched(list, timer, () => {
        this.#ring.flush();
        this.#params.flush();
        submit(this.#device, list, timer);
      });
    } finally {
      this.#params.submitted();
    }
  }

  // An error scope costs the host a tenth of a submit. Groups that have been submitted without an error stay valid while only
  // heed can destroy their buffers, so a list of them needs no scope.
  #watched(list: readonly BoundDispatch[], timer: Timer | undefined, fn: () => void): void {
    if (!timer && list.every(({ bindGroup }) => bindGroup.isOwned && bindGroup.isProven))
      return fn();
    const follows = (): false | undefined =>
      list.some(({ bindGroup }) => bindGroup.isRefused) ? false : undefined;
    this.#faults.scope(labelOf(list), ['validation'], fn, follows, () => {
      for (const { bindGroup } of list) bindGroup.isProven = true;
    });
  }

  clear(): void {
    this.#groups.clear();
    this.#params.submitted();
  }
}

/** Returns a function that creates bind groups on a device, and reports those that the GPU refuses. */
export function watchedGroups(device: GPUDevice, faults: Faults): CreateGroup {
  const create = createGroupOn(device);
  return (kernel, buffers, params, refused) =>
    faults.scope(kernel.label, ['validation'], () => create(kernel, buffers, params), refused);
}

interface Parts {
  readonly device: GPUDevice;
  readonly faults: Faults;
  readonly ring: UploadRing;
  readonly recorder: Recorder;
}

/** Returns the launcher of a Gpu; creates it on the first call. */
export function launcherOf({ device, faults, ring, recorder }: Parts): Launcher {
  return (recorder.launcher ??= new Launcher(device, faults, ring)) as Launcher;
}

/** Encodes and submits dispatches: all in one submit, or as many per submit as the timer measures. */
function submit(device: GPUDevice, list: readonly BoundDispatch[], timer?: Timer): void {
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

function encodeAll(encoder: GPUCommandEncoder, list: readonly BoundDispatch[]): void {
  // A label would cost the host a microsecond, and pipelines have labels.
  const pass = encoder.beginComputePass();
  for (const one of list) encodeDispatch(pass, one);
  pass.end();
}

function encodeTimed(encoder: GPUCommandEncoder, one: BoundDispatch, timer: Timer): void {
  const label = one.label ?? one.kernel.label;
  const pass = encoder.beginComputePass({ label, ...timer.pass(label) });
  encodeDispatch(pass, one);
  pass.end();
}

/** Encodes one dispatch into a compute pass. */
export function encodeDispatch(
  pass: GPUComputePassEncoder,
  { kernel, workgroups: [x, y, z], bindGroup }: BoundDispatch,
): void {
  pass.setPipeline(kernel.pipeline);
  pass.setBindGroup(0, bindGroup.group);
  pass.dispatchWorkgroups(x, y, z);
}

/** Returns the label of a submit. */
function labelOf(list: readonly BoundDispatch[]): string {
  const { label, kernel } = list[0]!;
  return list.length === 1 ? (label ?? kernel.label) : `heed batch of ${list.length}`;
}
