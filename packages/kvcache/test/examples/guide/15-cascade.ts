import { planAttention, varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';
import { gpu, numbers, read, rows, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pages: 128 });

// A system prompt of 512 tokens, and four requests that begin with it.
const system = Array.from({ length: 512 }, (_, i) => i % 10);
const root = cache.open();
await read(cache, [root], [system]);
root.commit(system);
const requests = [7, 5, 3, 1].map((token) => cache.open({ tokens: [...system, token] }));
root.close();

// Nothing to ask for: the view knows what its sequences share, and attention reads those keys once.
const news = [[7], [5], [3], [1]];
console.log((await read(cache, requests, news)).flat()); // [ 2303, 2301, 2299, 2297 ]

// With numSplits 1, bits are those of one pass, in which each sequence reads its own keys.
const [q, view] = [rows([1, 2, 3, 4]), cache.view(0, requests)];
const once = varlenAttention(q, view, { causal: true, numSplits: 1 }).out;
const plain = varlenAttention(q, view, { causal: true, numSplits: 1, cascade: false }).out;
console.log((await numbers(once)).join() === (await numbers(plain)).join()); // true

// Both passes are compiled ahead of time, and a plan tells whether calls of its kind can be taken.
const problem = { layout: 'paged', q: q.shape, k: view.k.shape, format: view.format } as const;
const plan = planAttention(gpu, { ...problem, sequences: 4, cascade: true, numSplits: 2 });
console.log(plan.describe().split('\n')[1]); // no cascade: a fixed numSplits above 1 merges in its own order
cache.dispose();
