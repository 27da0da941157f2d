import { PagedKvCache } from '@heed/kvcache';
import { gpu, read, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 4, pages: 16 });

const system = [1, 2, 3, 4, 5, 6, 7, 8];
const first = cache.open({ tokens: [...system, 9] });
await read(cache, [first], [[...system, 9]]);
first.commit([...system, 9]);

// The system prompt's two pages are there already: only the tokens after them are computed.
const prompt = [...system, 2, 2];
const second = cache.open({ tokens: prompt });
console.log(second.cachedTokens, second.length); // 8 8
const [sums] = await read(cache, [second], [prompt.slice(second.cachedTokens)]);
console.log(sums); // [ 38, 40 ]
console.log(cache.stats().used); // 4

// At most n − 1 of n tokens are found: the last one is computed, to predict the next token.
console.log(cache.open({ tokens: system }).cachedTokens); // 4
// Another salt, another tree.
console.log(cache.open({ tokens: prompt, salt: 'tenant 2' }).cachedTokens); // 0
console.log(cache.stats().hitRate.toFixed(2)); // 0.32
cache.dispose();
