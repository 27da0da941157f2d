import type { Gpu } from '../api.ts';
import { type GpuState, stateOf } from '../device/state.ts';
import { LimitError } from '../errors.ts';
import { alignUp, type BufferRange } from './range.ts';
import { chunkBytes } from './ring.ts';
import { STORAGE, UNIFORM } from './usage.ts';

// A uniform's size is a multiple of 16 when it holds any vec4 or struct of them.
const uniformMultiple = 16;

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/**
 * Parameters for the next dispatch (in a batch: for any dispatch before its submit), without a `writeBuffer` of their own.
 * A call that makes several dispatches puts them in a batch, and so may upload for all of them first.
 * @throws LimitError more than 64 KiB
 */
export function uploadUniform(gpu: Gpu, data: ArrayBuffer | ArrayBufferView): BufferRange {
  const bytes = bytesOf(data);
  if (bytes.byteLength > chunkBytes) {
    throw new LimitError(
      `uploadUniform: a uniform holds at most ${chunkBytes} bytes; got ${bytes.byteLength}. Use uploadStorage.`,
    );
  }
  return stateOf(gpu).ring.push(bytes, uniformMultiple);
}

/** Read-only storage data of any size for the next dispatch (in a batch: for any dispatch before its submit). */
export function uploadStorage(gpu: Gpu, data: ArrayBufferView): BufferRange {
  const state = stateOf(gpu);
  const bytes = bytesOf(data);
  return bytes.byteLength > chunkBytes ? uploadLarge(state, bytes) : state.ring.push(bytes, 4);
}

// A buffer from the pool is in no unsubmitted work, so writing it now cannot overtake any.
function uploadLarge({ pool, recorder, faults, device }: GpuState, bytes: Uint8Array): BufferRange {
  const size = alignUp(bytes.byteLength, 4);
  const whole = new Uint8Array(size);
  whole.set(bytes);
  const buffer = pool.acquire('uploadStorage', size, 'heed upload');
  faults.scope('uploadStorage', ['validation'], () => device.queue.writeBuffer(buffer, 0, whole));
  recorder.releaseAfterNextSubmit(buffer);
  return { buffer, offset: 0, size };
}

/**
 * A small buffer of its own, to be bound as a uniform or as read-only storage in work that the caller submits at a time
 * heed does not know. Freed with the range.
 */
export function detachedUniform(gpu: Gpu, data: ArrayBuffer | ArrayBufferView): BufferRange {
  const bytes = bytesOf(data);
  const size = Math.max(uniformMultiple, alignUp(bytes.byteLength, uniformMultiple));
  const buffer = stateOf(gpu).device.createBuffer({
    label: 'heed detached uniform',
    size,
    usage: UNIFORM | STORAGE,
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange()).set(bytes);
  buffer.unmap();
  return { buffer, offset: 0, size };
}
