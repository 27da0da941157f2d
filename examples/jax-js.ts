// jax-js's arrays in heed, on jax-js's device. npm install @heed/core @heed/kernels-wgsl @jax-js/jax; in Node also webgpu, whose
// globals jax-js needs, and at navigator.gpu what its create([]) returns.
import { openGpu, type Tensor } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';
import { defaultDevice, getWebGPUDevice, init, numpy as np } from '@jax-js/jax';

await init('webgpu');
defaultDevice('webgpu');
const gpu = await openGpu({ device: getWebGPUDevice() });

const shape = [1, 2, 16, 8]; // [B, H, L, D], as heed has it
const tensor = (x: np.Array): Tensor => gpu.wrap(x.gpuBufferSync(), { shape, dtype: 'f32' });
const x = np.sin(np.arange(256).astype(np.float32)).reshape(shape);

const { out } = attention(tensor(x.ref), tensor(x.ref), tensor(x.ref), { causal: true });

// jax-js takes no GPUBuffer in, so the way back is a copy over the host.
const y = np.tanh(np.array(new Float32Array(await out.read())).reshape(shape));
console.log(y.shape, await y.data()); // [1, 2, 16, 8] Float32Array(256)
