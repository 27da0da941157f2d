import { flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { varlenAttention } from '@heed/kernels-wgsl';
import { type CacheOptions, PagedKvCache } from '@heed/kvcache';
import { gpu, numbers, rows, shape } from './setup.ts';

const options: CacheOptions = { ...shape, pageSize: 2, pages: 16, window: 4 };
const near = await PagedKvCache.create(gpu, options);
const sinks = await PagedKvCache.create(gpu, { ...options, sinkTokens: 2 });
const [a, b] = [near.open(), sinks.open()];

// Token after token: the value of each is its position.
const zero = rows([0]);
for (let position = 0; position < 20; position++) {
  near.append(0, [a], zero, rows([position]));
  sinks.append(0, [b], zero, rows([position]));
}
console.log(near.stats().used, sinks.stats().used); // 3 4

// A query sees itself and the `window` keys before it. The window is part of the view.
const last = varlenAttention(zero, near.view(0, [a]), { causal: true });
console.log(await numbers(last.out)); // [ 17 ]

// With sinks, the first tokens stay visible. No mask makes released keys visible again.
const { out } = flexAttention(zero, sinks.view(0, [b]), { maskMod: causal });
console.log(await numbers(out)); // [ 12.286 ]
sinks.dispose();
near.dispose();
