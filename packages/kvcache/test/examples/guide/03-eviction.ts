import { type EvictionPolicy, lru, PagedKvCache, priority } from '@heed/kvcache';
import { gpu, read, shape } from './setup.ts';

const long = [1, 1, 2, 2, 3, 3]; // three pages of two tokens
const important = [4, 4, 5, 5];

/** Fills a cache with two prompts, appends a third, and returns the tokens of the evicted pages, in order. */
async function evicted(eviction: EvictionPolicy): Promise<string[]> {
  const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 2, pages: 6, eviction });
  const names = new Map<string, string>();
  const gone: string[] = [];
  cache.on('stored', ({ name, tokens }) => names.set(name, tokens.join('')));
  cache.on('removed', ({ name }) => gone.push(names.get(name)!));
  for (const [tokens, importance] of [
    [important, 1],
    [long, 0],
  ] as const) {
    const sequence = cache.open({ tokens, priority: importance });
    await read(cache, [sequence], [tokens]);
    sequence.commit(tokens);
    sequence.close();
  }
  await read(cache, [cache.open()], [[9, 9, 9, 9, 9, 9]]); // one free page is left, and three are needed
  cache.dispose();
  return gone;
}

console.log(await evicted(lru)); // [ 55, 44 ]
console.log(await evicted(priority)); // [ 33, 22 ]
const longest: EvictionPolicy = { name: 'longest', compare: (a, b) => b.depth - a.depth };
console.log(await evicted(longest)); // [ 33, 55 ]
