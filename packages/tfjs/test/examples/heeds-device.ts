import { openGpu } from '@heed/core';
import { openTfjs } from '@heed/tfjs';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';

const gpu = await openGpu();
tf.removeBackend('webgpu'); // the one that registered itself
tf.registerBackend('webgpu', () => new WebGPUBackend(gpu.device, gpu.device.adapterInfo));
await tf.setBackend('webgpu');
await openTfjs({ gpu });
