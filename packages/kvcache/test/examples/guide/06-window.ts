import { andMasks, bind, flexAttention } from '@heed/flex';
import { causal, globalPlusWindow } from '@heed/flex/masks';
import { varlenAttention } from '@heed/kernels-wgsl';
import { type CacheOptions, PagedKvCache } from '@heed/kvcache';
import { gpu, numbers, rows, shape } from './setup.ts';

const options: CacheOptions = { ...shape, pageSize: 2, pages: 16, window: 4 };
using near = await PagedKvCache.create(gpu, options);
using sinks = await PagedKvCache.create(gpu, { ...options, sinkTokens: 2 });
const [a, b] = [near.open(), sinks.open()];

// Token after token: the value of each is its position.
const zero = rows([0]);
for (let position = 0; position < 20; position++) {
  near.append(0, [a], zero, rows([position]));
  sinks.append(0, [b], zero, rows([position]));
}
console.log(near.stats().used, sinks.stats().used); // 3 4

// A query sees itself and `window` keys before. The cache forgets; attention has to look away.
const nearView = near.view(0, [a]);
const last = varlenAttention(zero, nearView, {
  cuSeqlensQ: nearView.cuSeqlensQ,
  causal: true,
  window: [nearView.window!, -1],
});
console.log(await numbers(last.out)); // [ 17 ]

// With sinks, the first tokens stay in sight.
const sinksView = sinks.view(0, [b]);
const inSight = bind(globalPlusWindow, { globals: 2, window: sinksView.window! });
const { out } = flexAttention(zero, sinksView, {
  cuSeqlensQ: sinksView.cuSeqlensQ,
  maskMod: andMasks(causal, inSight),
});
console.log(await numbers(out)); // [ 12.286 ]
