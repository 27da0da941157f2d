import { alignUp, type BufferRange, chunkBytes, COPY_DST, STORAGE } from '../text/buffer-range.ts';
import type { Gpu } from '../text/gpu.ts';
import { type GpuState, stateOf } from './gpu-state.ts';

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Uploads read-only storage data of any size for the next dispatch, or in a batch for any dispatch before its submit. */
export function uploadStorage(gpu: Gpu, data: ArrayBufferView): BufferRange {
  const state = stateOf(gpu);
  const bytes = bytesOf(data);
  return bytes.byteLength > chunkBytes ? uploadLarge(state, bytes) : state.ring.push(bytes);
}

// No unsubmitted work uses a buffer from the pool, so it can be written at once.
function uploadLarge({ pool, recorder, faults, device }: GpuState, bytes: Uint8Array): BufferRange {
  const size = alignUp(bytes.byteLength, 4);
  const whole = new Uint8Array(size);
  whole.set(bytes);
  const buffer = pool.acquire('uploadStorage', size, 'heed upload');
  faults.scope('uploadStorage', ['validation'], () => device.queue.writeBuffer(buffer, 0, whole));
  recorder.releaseAfterNextSubmit(buffer);
  return { buffer, offset: 0, size, owned: true };
}

/**
 * Uploads data into a new small buffer, for a read-only storage binding of work that the caller submits at a time unknown to heed.
 * The buffer is freed with the range.
 */
export function detachedStorage(gpu: Gpu, data: ArrayBufferView): BufferRange {
  const { device, ring } = stateOf(gpu);
  return detached(device, data, STORAGE, ring.tail);
}

/** Creates a buffer that holds `data`, followed by as much of `tail` as fits. */
export function detached(
  device: GPUDevice,
  data: ArrayBufferView,
  usage: number,
  tail?: Uint8Array,
): BufferRange {
  const size = Math.max(16, alignUp(data.byteLength, 16));
  const label = 'heed detached';
  const buffer = device.createBuffer({ label, size, usage, mappedAtCreation: true });
  const bytes = new Uint8Array(buffer.getMappedRange());
  bytes.set(bytesOf(data));
  if (tail) bytes.set(tail.subarray(0, size - data.byteLength), data.byteLength);
  buffer.unmap();
  return { buffer, offset: 0, size };
}

/** Returns a small buffer for a binding that a kernel does not use. 'read' and 'write' differ, since one dispatch may need both. */
export function placeholder(gpu: Gpu, kind: 'read' | 'write'): BufferRange {
  const { device, placeholders, pool } = stateOf(gpu);
  let buffer = placeholders.get(kind);
  if (!buffer) {
    const label = `heed placeholder ${kind}`;
    buffer = device.createBuffer({ label, size: 256, usage: STORAGE | COPY_DST });
    pool.poison?.(buffer);
    placeholders.set(kind, buffer);
  }
  return { buffer, offset: 0, size: 256, owned: true };
}
