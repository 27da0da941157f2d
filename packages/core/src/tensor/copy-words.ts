import { BIND_ALIGNMENT, type BufferRange } from '../buffers/range.ts';

// By hand and not by a kernel of the cache: so who only reads buffers needs no dispatch.
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

/** Encodes a copy by kernel, for buffers without COPY_SRC. Both offsets are multiples of 256, sizes equal multiples of 4. */
export function copyWords(
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
