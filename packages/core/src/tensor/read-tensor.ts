import { type GpuState, stateOf } from '../host/gpu-state.ts';
import {
  alignUp,
  BIND_ALIGNMENT,
  type BufferRange,
  COPY_SRC,
  MAP_MODE_READ,
} from '../text/buffer-range.ts';
import { bytesPerElement, type ReadArray } from '../text/dtype.ts';
import { arrays, gather, widen } from '../text/elements.ts';
import { checkSignal } from '../text/errors.ts';
import type { ReadOptions, Tensor } from '../text/gpu.ts';
import type { NamesOf } from '../text/read-options.ts';
import { elementExtent } from '../text/shape.ts';

export const readNames: NamesOf<ReadOptions> = { signal: 1 };

/** Copies the range of a view to the host and puts its elements in logical order. */
export async function readTensor(t: Tensor, signal?: AbortSignal): Promise<ReadArray> {
  const state = stateOf(t.gpu);
  checkSignal('read', signal);
  signal?.throwIfAborted();
  state.recorder.flush();
  const { shape, strides, dtype, byteOffset } = t;
  const extent = elementExtent(shape, strides);
  if (extent === 0)
    return state.faults.verdict(async () => widen(new arrays[dtype](0), dtype), signal);
  const start = Math.floor(byteOffset / 4) * 4;
  const end = alignUp(byteOffset + extent * bytesPerElement[dtype], 4);
  const staging = copyToStaging(state, t, start, end - start);
  const work = (): Promise<ReadArray> =>
    mapped(state, staging, end - start, (bytes) => {
      const raw = new arrays[dtype](bytes, byteOffset - start, extent);
      return widen(gather(raw, shape, strides, dtype), dtype);
    });
  return state.faults.verdict(work, signal);
}

function copyToStaging(state: GpuState, t: Tensor, start: number, size: number): GPUBuffer {
  const { device, faults, pool, recorder, staging } = state;
  const into = staging.acquire('read', size, `${t.label} staging`);
  // A buffer without COPY_SRC is copied by a kernel first, from an offset at which a binding may begin.
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

// Not a kernel of the cache, so that programs that only read buffers load no dispatch code.
const code = `
  @group(0) @binding(0) var<storage, read> src: array<u32>;
  @group(0) @binding(1) var<storage, read_write> dst: array<u32>;

  @compute @workgroup_size(64)
  fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let i = id.x + id.y * groups.x * 64u;
    if (i < arrayLength(&src)) {
      dst[i] = src[i];
    }
  }
`;

const pipelines = new WeakMap<GPUDevice, GPUComputePipeline>();

function pipelineOf(device: GPUDevice): GPUComputePipeline {
  let pipeline = pipelines.get(device);
  if (!pipeline) {
    const label = 'heed copy words';
    const module = device.createShaderModule({ label, code });
    pipeline = device.createComputePipeline({ label, layout: 'auto', compute: { module } });
    pipelines.set(device, pipeline);
  }
  return pipeline;
}

/** Encodes a copy by a kernel, for buffers without COPY_SRC. Offsets are multiples of 256; the size is a multiple of 4. */
function copyWords(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  from: BufferRange,
  to: GPUBuffer,
): void {
  const { maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension: most } = device.limits;
  const piece = Math.floor(maxStorageBufferBindingSize / BIND_ALIGNMENT) * BIND_ALIGNMENT;
  const pipeline = pipelineOf(device);
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  for (let done = 0; done < from.size; done += piece) {
    const size = Math.min(piece, from.size - done);
    const bound = [
      { buffer: from.buffer, offset: from.offset + done, size },
      { buffer: to, offset: done, size },
    ];
    const entries = bound.map((resource, binding) => ({ binding, resource }));
    const layout = pipeline.getBindGroupLayout(0);
    pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
    const groups = Math.ceil(size / 256);
    const rows = Math.ceil(groups / most);
    pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
  }
  pass.end();
}
