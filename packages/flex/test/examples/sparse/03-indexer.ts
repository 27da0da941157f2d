import { attention, topKeys } from '@heed/kernels-wgsl';
import { gpu, inputs, numbers } from './setup.ts';

const [q, k, v] = inputs(2, 8);
// The indexer has heads and head dims of its own, fewer and smaller than those of attention.
const indexQ = gpu.tensor([1, 0, 0, 1], { shape: [1, 1, 2, 2] });
const keys = [
  [0, 0],
  [0, 1],
  [0, 0],
  [2, 0],
  [0, 0],
  [1, 0],
  [0, 3],
  [0, 0],
];
const indexK = gpu.tensor(keys.flat(), { shape: [1, 1, 8, 2] });

const selectedKeys = topKeys(indexQ, indexK, { topK: 2 });
console.log(await numbers(selectedKeys)); // [ 3, 5, 1, 6 ]

const { out } = attention(q, k, v, { selectedKeys });
console.log(await numbers(out)); // [ 4, 3.5 ]
