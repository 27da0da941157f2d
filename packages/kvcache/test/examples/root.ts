import { openGpu } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';

const gpu = await openGpu();
const cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 2, headDim: 64, pages: 64 });

const prompt = new TextEncoder().encode('You are a helpful assistant. What is attention?');
const sequence = cache.open({ tokens: prompt }); // has what others computed of this prompt
const news = prompt.slice(sequence.cachedTokens);

const x = gpu.tensor(new Float32Array(news.length * 128).fill(1), { shape: [news.length, 2, 64] });
cache.append(0, [sequence], x, x);
const view = cache.view(0, [sequence]);
const { out } = varlenAttention(x, view, { causal: true });
sequence.commit(news);

console.log(out.shape, cache.stats().used); // [47, 2, 64] 3
cache.dispose();
