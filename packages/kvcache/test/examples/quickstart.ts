import { openGpu } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';

const gpu = await openGpu(); // or openGpu({ device }) over your own GPUDevice
const cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 2, headDim: 64, pages: 256 });
const prompt = Array.from({ length: 100 }, (_, i) => i);
const x = gpu.tensor(new Float32Array(100 * 128).fill(0.5), { shape: [100, 2, 64] }); // for q, k and v

const sequence = cache.open({ tokens: prompt });
cache.append(0, [sequence], x, x);
const view = cache.view(0, [sequence]);
const { out } = varlenAttention(x, view, { causal: true });
sequence.commit(prompt); // names the rows, so that others find them
console.log(out.shape, cache.open({ tokens: prompt }).cachedTokens); // [100, 2, 64] 96
gpu.dispose();
