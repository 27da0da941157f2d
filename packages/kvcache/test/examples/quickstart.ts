import { openGpu } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';

const gpu = await openGpu(); // or openGpu({ device }) over a GPUDevice of yours
const cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 2, headDim: 64, pages: 256 });
const prompt = Array.from({ length: 100 }, (_, i) => i);
const rows = (T: number, H: number) =>
  gpu.tensor(new Float32Array(T * H * 64).fill(0.5), { shape: [T, H, 64] });

for (const name of ['first', 'second']) {
  const sequence = cache.open({ tokens: prompt }); // finds the pages of what others have computed
  const news = prompt.slice(sequence.cachedTokens);
  cache.append(0, [sequence], rows(news.length, 2), rows(news.length, 2));
  const view = cache.view(0, [sequence]);
  const q = rows(news.length, 8);
  const { out } = varlenAttention(q, view, { cuSeqlensQ: view.cuSeqlensQ, causal: true });
  sequence.commit(news); // names the new rows, so that others find them
  console.log(name, out.shape[0], sequence.length); // first 100 100, second 4 100
}
gpu.dispose();
