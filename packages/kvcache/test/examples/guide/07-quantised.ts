import { varlenAttention } from '@heed/kernels-wgsl';
import { type PageFormat, PagedKvCache } from '@heed/kvcache';
import { gpu } from './setup.ts';

const [T, D] = [64, 64];
const wave = (step: number) =>
  gpu.tensor(
    Array.from({ length: T * D }, (_, i) => Math.sin(i * step) * Math.cos(i * i * step)),
    { shape: [T, 1, D] },
  );
const [q, k, v] = [wave(1.1), wave(0.7), wave(0.3)];

/** Returns attention over pages of one format, and the bytes of the pages. */
async function attend(dtype: PageFormat): Promise<{ out: Float32Array; bytes: number }> {
  const options = { layers: 1, kvHeads: 1, headDim: D, pages: 7, dtype };
  const cache = await PagedKvCache.create(gpu, options);
  const sequence = cache.open();
  cache.append(0, [sequence], k, v);
  const view = cache.view(0, [sequence]);
  const { out } = varlenAttention(q, view, { causal: true });
  const result = { out: await out.read(), bytes: cache.stats().bytes };
  cache.dispose();
  return result;
}

const [f32, f16, int8, int4] = [
  await attend('f32'),
  await attend('f16'),
  await attend('int8'),
  await attend('int4'),
];
console.log((int8.bytes / f16.bytes).toFixed(2), (int4.bytes / f16.bytes).toFixed(2)); // 0.53 0.28

/** The largest error, relative to the largest element. */
function error({ out }: { out: Float32Array }): number {
  const largest = (numbers: Float32Array): number => Math.max(...numbers.map(Math.abs));
  return largest(out.map((x, i) => x - f32.out[i]!)) / largest(f32.out);
}
console.log(error(int8).toFixed(3), error(int4).toFixed(2)); // 0.004 0.07
