import { openGpu } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';
import { heedTensor, ortTensor, sessionOptions } from '@heed/onnx';
import * as ort from 'onnxruntime-web/webgpu';
import { after, before } from './models.ts'; // two of your own models

const gpu = await openGpu();
const first = await ort.InferenceSession.create(before, sessionOptions(gpu));
const second = await ort.InferenceSession.create(after, sessionOptions(gpu));

const data = Float32Array.from({ length: 16 * 24 }, (_, i) => Math.sin(i));
const { q, k, v } = await first.run({ x: new ort.Tensor('float32', data, [1, 16, 24]) }); // [B, L, H · D]

const heads = (y: ort.Tensor) => heedTensor(gpu, y).reshape([1, 16, 2, 4]).permute([0, 2, 1, 3]);
const attended = gpu.empty([1, 16, 8]);
const out = attended.reshape([1, 16, 2, 4]).permute([0, 2, 1, 3]);
attention(heads(q!), heads(k!), heads(v!), { causal: true, out });

const { y } = await second.run({ attended: ortTensor(ort, attended) });
console.log(y!.dims, await y!.getData()); // [1, 16, 8] Float32Array(128)
