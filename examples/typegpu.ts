// TypeGPU's buffers in heed: one device, one memory. npm install @heed/core @heed/kernels-wgsl typegpu; in Node also webgpu,
// whose globals TypeGPU needs: Object.assign(globalThis, globals).
import { openGpu, type Tensor } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';
import { tgpu } from 'typegpu';
import * as d from 'typegpu/data';

const gpu = await openGpu();
const root = tgpu.initFromDevice({ device: gpu.device });

const shape = [1, 2, 16, 8]; // [B, H, L, D]
const schema = d.arrayOf(d.f32, 2 * 16 * 8);
const normal = () => Array.from({ length: 2 * 16 * 8 }, () => Math.random() * 2 - 1);
const [q, k, v] = [1, 2, 3].map(() => root.createBuffer(schema, normal()).$usage('storage'));
const result = root.createBuffer(schema).$usage('storage');

const tensor = (buffer: typeof result): Tensor =>
  gpu.wrap(root.unwrap(buffer), { shape, dtype: 'f32' });
attention(tensor(q!), tensor(k!), tensor(v!), { causal: true, out: tensor(result) });
await gpu.settled(); // what only the GPU can find

console.log(await result.read()); // 256 numbers, read by TypeGPU
root.destroy(); // its buffers; the device is heed's
gpu.dispose();
