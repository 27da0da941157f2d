import { PagedKvCache } from '@heed/kvcache';
import { gpu, numbers, read, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 2, pages: 2, poison: true });
const sequence = cache.open();
const [sums] = await read(cache, [sequence], [[4, 5, 6]]);
console.log(sums); // [ 4, 9, 15 ]

/** Returns the values of all pages, from the null page 0 on. */
const pool = () => numbers(cache.view(0, [sequence]).v.reshape([6, 1, 2]));
console.log(await pool()); // [ 0, 0, 4, 5, 6, NaN ]
sequence.truncate(2);
console.log(await pool()); // [ 0, 0, 4, 5, NaN, NaN ]
sequence.close();
cache.dispose();
