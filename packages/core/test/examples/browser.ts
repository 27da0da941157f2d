import { openGpu, HeedError } from '@heed/core';

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter!.requestDevice();
const gpu = await openGpu({ device }); // your device: heed never destroys it

const buffer = device.createBuffer({ size: 4096, usage: GPUBufferUsage.STORAGE });
const x = gpu.wrap(buffer, { shape: [2, 8, 64], dtype: 'f32' }); // your buffer: no copy
const heads = x.permute([1, 0, 2]).slice(0, 2, 6); // views: no copy

try {
  console.log(heads.shape, await heads.read()); // [4, 2, 64], in logical order
} catch (error) {
  if (HeedError.is(error)) console.error(error.code, error.message);
}
