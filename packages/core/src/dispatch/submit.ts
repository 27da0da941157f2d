import type { Timer } from '../profile/timer.ts';
import type { Bound } from './binding.ts';
import type { Dispatch } from './kernel.ts';

/** A dispatch with what it binds. */
export interface Recorded extends Dispatch {
  readonly bound: Bound;
}

/** Encodes dispatches and submits them: all at once, or as few as a timer can measure. */
export function submit(device: GPUDevice, list: readonly Recorded[], timer?: Timer): void {
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
export function labelOf(list: readonly Dispatch[]): string {
  const { label, kernel } = list[0]!;
  return list.length === 1 ? (label ?? kernel.label) : `heed batch of ${list.length}`;
}
