import type { Gpu } from '../text/gpu.ts';
import { stateOf } from './gpu-state.ts';

/** A piece of a buffer and its destination in another one. Offsets and size are bytes, multiples of 4. */
export interface BufferCopy {
  readonly from: GPUBuffer;
  readonly fromOffset: number;
  readonly to: GPUBuffer;
  readonly toOffset: number;
  readonly size: number;
}

/**
 * Copies pieces of buffers without a kernel, in one submit, after all work so far. An open batch stays open, and what it has
 * recorded is submitted first.
 * @param label what is copied, for messages
 */
export function copyBuffers(gpu: Gpu, label: string, copies: readonly BufferCopy[]): void {
  const { device, faults, recorder } = stateOf(gpu);
  recorder.flush();
  if (copies.length === 0) return;
  faults.scope(label, ['validation'], () => {
    const encoder = device.createCommandEncoder({ label });
    for (const { from, fromOffset, to, toOffset, size } of copies) {
      encoder.copyBufferToBuffer(from, fromOffset, to, toOffset, size);
    }
    device.queue.submit([encoder.finish()]);
  });
}
