import { openGpu } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter!.requestDevice();
const gpu = await openGpu({ device }); // heed never destroys what it did not create

// Two documents of 5 and 7 tokens, packed one behind the other: no padding, and no attention across them.
const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
const buffer = () => device.createBuffer({ size: 12 * 4 * 64 * 4, usage });
const tensor = () => gpu.wrap(buffer(), { shape: [12, 4, 64], dtype: 'f32' });
const { out } = varlenAttention(tensor(), tensor(), tensor(), {
  cuSeqlensQ: Int32Array.of(0, 5, 12),
  causal: true,
});

await gpu.settled(); // rejects with what went wrong on the GPU side; not awaited, it goes to openGpu's onError, or the console
console.log(out.shape, out.buffer); // out.buffer is a GPUBuffer of your device
