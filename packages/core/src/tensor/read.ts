import type { Tensor } from '../api.ts';
import { alignUp, BIND_ALIGNMENT } from '../buffers/range.ts';
import { COPY_SRC, MAP_MODE_READ } from '../buffers/usage.ts';
import { type GpuState, stateOf } from '../device/state.ts';
import { checkSignal } from '../fail.ts';
import { bytesPerElement, type DType, type ReadArray } from '../dtype.ts';
import { unpackHalves } from '../f16.ts';
import { elementCount, elementExtent, isContiguous } from '../layout/shape.ts';
import { copyWords } from './copy-words.ts';

const arrays = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array };
type RawArray = ReadArray | Uint16Array;

/** Copies the window of the view to the host and sorts it into logical order. */
export async function readTensor(t: Tensor, signal?: AbortSignal): Promise<ReadArray> {
  const state = stateOf(t.gpu);
  checkSignal('read', signal);
  signal?.throwIfAborted();
  state.recorder.flush();
  const { shape, strides, dtype, byteOffset } = t;
  const extent = elementExtent(shape, strides);
  if (extent === 0) return state.faults.verdict(async () => widen(new arrays[dtype](0)), signal);
  const start = Math.floor(byteOffset / 4) * 4;
  const end = alignUp(byteOffset + extent * bytesPerElement[dtype], 4);
  const staging = copyToStaging(state, t, start, end - start);
  const work = (): Promise<ReadArray> =>
    mapped(state, staging, end - start, (bytes) => {
      const raw = new arrays[dtype](bytes, byteOffset - start, extent);
      return widen(gather(raw, shape, strides, dtype));
    });
  return state.faults.verdict(work, signal);
}

function copyToStaging(state: GpuState, t: Tensor, start: number, size: number): GPUBuffer {
  const { device, faults, pool, recorder, staging } = state;
  const into = staging.acquire('read', size, `${t.label} staging`);
  // What cannot be copied from is copied by a kernel first, from where a binding may begin.
  const isClosed = !(t.buffer.usage & COPY_SRC);
  const offset = isClosed ? Math.floor(start / BIND_ALIGNMENT) * BIND_ALIGNMENT : 0;
  const whole = start + size - offset;
  const between = isClosed ? pool.acquire('read', whole, `${t.label} read`) : undefined;
  faults.scope(`read of "${t.label}"`, ['validation'], () => {
    const encoder = device.createCommandEncoder({ label: `${t.label} read` });
    if (between) copyWords(device, encoder, { buffer: t.buffer, offset, size: whole }, between);
    encoder.copyBufferToBuffer(between ?? t.buffer, start - offset, into, 0, size);
    device.queue.submit([encoder.finish()]);
  });
  if (between) recorder.release(between);
  return into;
}

async function mapped<T>(
  state: GpuState,
  staging: GPUBuffer,
  size: number,
  use: (bytes: ArrayBuffer) => T,
): Promise<T> {
  try {
    await staging.mapAsync(MAP_MODE_READ, 0, size);
  } catch (error) {
    staging.destroy();
    throw error;
  }
  try {
    return use(staging.getMappedRange(0, size));
  } finally {
    staging.unmap();
    state.staging.release(staging);
  }
}

/** A dense copy of a strided array in row-major order. */
export function gather(
  raw: RawArray,
  shape: readonly number[],
  strides: readonly number[],
  dtype: DType,
): RawArray {
  if (isContiguous(shape, strides)) return raw.slice();
  const out = new arrays[dtype](elementCount(shape));
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  const inner = shape[rank - 1]!;
  const step = strides[rank - 1]!;
  let from = 0;
  for (let to = 0; to < out.length;) {
    for (let i = 0; i < inner; i++) out[to++] = raw[from + i * step]!;
    for (let axis = rank - 2; axis >= 0; axis--) {
      const stride = strides[axis]!;
      from += stride;
      index[axis] = index[axis]! + 1;
      if (index[axis]! < shape[axis]!) break;
      from -= stride * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

function widen(raw: RawArray): ReadArray {
  return raw instanceof Uint16Array ? unpackHalves(raw) : raw;
}
