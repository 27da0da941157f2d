import { type KernelSource, wgsl } from '@heed/core/kernel';
import { LANES } from './fma.wgsl.ts';

export const VECTORS_PER_THREAD = 16;

/** Copies memory, 16 bytes at a time. */
export const copySource: KernelSource = {
  label: 'heed-bench/copy',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      groups: u32,
    }

    @group(0) @binding(0) var<storage, read> from_buffer: array<vec4<f32>>;
    @group(0) @binding(1) var<storage, read_write> to_buffer: array<vec4<f32>>;
    @group(0) @binding(2) var<uniform> params: Params;

    @compute @workgroup_size(${LANES})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let threads = params.groups * ${LANES}u;
      for (var i = 0u; i < ${VECTORS_PER_THREAD}u; i++) {
        to_buffer[id.x + i * threads] = from_buffer[id.x + i * threads];
      }
    }
  `}\n`,
};
