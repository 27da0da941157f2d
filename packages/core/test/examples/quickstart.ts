import { openGpu } from '@heed/core';

const gpu = await openGpu(); // finds `webgpu`; requests the adapter's real limits and features
const { adapter, f16, subgroups } = gpu.capabilities;
console.log(adapter.description, { f16, subgroups });

const x = gpu.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3], dtype: 'f16', label: 'x' });
console.log(x.shape, await x.permute([1, 0]).read()); // [2, 3] Float32Array [1, 4, 2, 5, 3, 6]

const scratch = gpu.empty([1024, 64]); // contents undefined
scratch.dispose(); // the next tensor of that size gets its memory
await gpu.settled(); // rejects with errors of the GPU side
x.dispose();
gpu.dispose();
