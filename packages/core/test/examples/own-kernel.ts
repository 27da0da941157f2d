import { openGpu } from '@heed/core';
import { bindTensor, dispatch, dispatchGrid, getKernel, wgsl } from '@heed/core/kernel';

const gpu = await openGpu();
const code = wgsl`
  @group(0) @binding(0) var<storage, read> x: array<f32>;
  @group(0) @binding(1) var<storage, read_write> out: array<f32>;

  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&x)) { out[id.x] = 2 * x[id.x]; }
  }
`;
const kernel = getKernel(gpu, { label: 'double', bindings: ['read', 'write'], code });
const [x, out] = [gpu.tensor([1, 2, 3], { shape: [3] }), gpu.empty([3])];
const buffers = [bindTensor(x).range, bindTensor(out).range];
dispatch(gpu, { kernel, buffers, workgroups: dispatchGrid(gpu, 1) });
console.log(await out.read()); // Float32Array [2, 4, 6]
gpu.dispose();
