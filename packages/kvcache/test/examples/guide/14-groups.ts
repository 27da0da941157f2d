import { varlenAttention } from '@heed/kernels-wgsl';
import { type CacheGroup, PagedKvCache } from '@heed/kvcache';
import { gpu, numbers, rows } from './setup.ts';

// Two windowed layers to one without a window. Layer 6 has no keys of its own: it reads those of layer 5.
const groups: CacheGroup[] = [
  { layers: [0, 1, 3, 4], kvHeads: 1, headDim: 2, window: 4 },
  { layers: [2, 5], kvHeads: 1, headDim: 2 },
];
const cache = await PagedKvCache.create(gpu, { groups, reads: { 6: 5 }, pageSize: 2, pages: 40 });

const sequence = cache.open();
const zero = rows([0]);
for (let position = 0; position < 20; position++) {
  for (let layer = 0; layer < 6; layer++) {
    cache.append(layer, [sequence], zero, rows([position]));
  }
  sequence.commit([position]);
}

/** The mean of what a layer's last query sees. */
async function mean(layer: number): Promise<number> {
  const view = cache.view(layer, [sequence]); // brings the layer's own window
  const [first] = await numbers(varlenAttention(zero, view, { causal: true }).out);
  return first!;
}
console.log(await mean(0), await mean(2), await mean(6)); // 17 9.5 9.5

// What a window has passed is cached, and goes first when memory is short: here the first prompt's end is still found.
const [windowed, full] = cache.stats().groups;
console.log(windowed!.used, windowed!.cached, full!.used); // 6 14 10
sequence.close();
const again = cache.open({ tokens: Array.from({ length: 21 }, (_, i) => i) });
console.log(again.cachedTokens); // 20
cache.dispose();
