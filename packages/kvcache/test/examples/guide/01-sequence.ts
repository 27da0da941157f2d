import { varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';
import { gpu, numbers, rows } from './setup.ts';

const cache = await PagedKvCache.create(gpu, {
  layers: 2,
  kvHeads: 1,
  headDim: 2,
  pageSize: 4,
  pages: 8,
});

const sequence = cache.open();
const tokens = [2, 4, 6, 8, 10];
const values = rows(tokens); // [T, Hkv, D]: one row for each new token
const keys = rows(tokens.map(() => 0));
let means: number[] = [];
for (const layer of [0, 1]) {
  cache.append(layer, [sequence], keys, values);
  const view = cache.view(layer, [sequence]);
  const q = keys; // [T, Hq, D]; attention gives the mean of all tokens so far
  const { out } = varlenAttention(q, view, { causal: true });
  means = await numbers(out);
}
console.log(means); // [ 2, 3, 4, 5, 6 ]
console.log(sequence.length, sequence.pages); // 5 [ 1, 2 ]

sequence.commit(tokens); // names them: their full page can now be found
sequence.close(); // gives both pages back; the full one keeps its content
const { used, cached, free } = cache.stats();
console.log(used, cached, free); // 0 1 7
cache.dispose();
