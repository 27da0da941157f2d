import type { Gpu } from '../api.ts';
import { BIND_ALIGNMENT, type BufferRange } from '../buffers/range.ts';
import { dispatch, getKernel } from '../dispatch/dispatch.ts';
import { dispatchGrid } from '../dispatch/grid.ts';
import type { KernelSource } from '../dispatch/kernel.ts';
import { wgsl } from '../wgsl/template.ts';

const workgroupSize = 64;

const source: KernelSource = {
  label: 'heed copy words',
  bindings: ['read', 'write'],
  code: wgsl`
    @group(0) @binding(0) var<storage, read> src: array<u32>;
    @group(0) @binding(1) var<storage, read_write> dst: array<u32>;

    @compute @workgroup_size(${workgroupSize})
    fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
      let i = id.x + id.y * groups.x * ${workgroupSize}u;
      if (i < arrayLength(&src)) {
        dst[i] = src[i];
      }
    }
  `,
};

/** Copies by kernel, for buffers without COPY_SRC. Both offsets are multiples of 256, sizes equal multiples of 4. */
export function copyWords(gpu: Gpu, from: BufferRange, to: GPUBuffer): void {
  const kernel = getKernel(gpu, source);
  const { maxStorageBufferBindingSize } = gpu.device.limits;
  const piece = Math.floor(maxStorageBufferBindingSize / BIND_ALIGNMENT) * BIND_ALIGNMENT;
  for (let done = 0; done < from.size; done += piece) {
    const size = Math.min(piece, from.size - done);
    dispatch(gpu, {
      kernel,
      buffers: [
        { buffer: from.buffer, offset: from.offset + done, size },
        { buffer: to, offset: done, size },
      ],
      workgroups: dispatchGrid(gpu, Math.ceil(size / 4 / workgroupSize)),
    });
  }
}
