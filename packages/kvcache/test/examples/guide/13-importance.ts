import { keyMass, varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';
import { gpu, numbers, rows, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 4, pages: 8 });
const sequence = cache.open();

// The keys of a prompt: three stand out. Its values are its positions.
const keys = [6, 0, 1, 0, 5, 0, 0, 0, 1, 0, 6, 0, 0, 1, 0, 2];
const length = keys.length;
cache.append(0, [sequence], rows(keys), rows(keys.map((_, position) => position)));

/** Attention of one more query, which looks for large keys. */
const attend = async () => {
  const cuSeqlensQ = Int32Array.of(0, 1);
  return numbers(varlenAttention(rows([1]), cache.view(0, [sequence]), { cuSeqlensQ }).out);
};
console.log(await attend(), cache.stats().used); // [ 4.913 ] 4

// How much do the last four rows, the observation window, look at each key?
const recent = 4;
const queries = rows([1, 1, 1, 1]);
const options = { causal: true, cuSeqlensQ: Int32Array.of(0, recent) };
const mass = await keyMass(queries, cache.view(0, [sequence]), options).read(); // [1, Hq, keys]

// Keep the window and the keys that it looks at most, in order.
const budget = 8;
const old = Array.from({ length: length - recent }, (_, row) => row);
const best = old.toSorted((a, b) => mass[b]! - mass[a]! || a - b).slice(0, budget - recent);
const window = Array.from({ length: recent }, (_, i) => length - recent + i);
sequence.keep([...best, ...window].toSorted((a, b) => a - b));
console.log(best.toSorted((a, b) => a - b)); // [ 0, 2, 4, 10 ]

// Half of the memory, nearly the same answer. The next token is where it was: at position 16.
console.log(await attend(), cache.stats().used); // [ 4.911 ] 2
console.log(sequence.length, sequence.nextPosition); // 8 16
cache.dispose();
