import { attention } from '@heed/kernels-wgsl';
import { gpu, inputs, numbers } from './setup.ts';

const [q, k, v] = inputs(3, 8);
// One list per row, here for all heads: [B, heads, Lq, K]. −1 names no key.
const lists = [
  [0, 1, -1],
  [7, 3, 2],
  [-1, -1, 6],
];
const selectedKeys = gpu.tensor(lists.flat(), { shape: [1, 1, 3, 3], dtype: 'i32' });
const { out } = attention(q, k, v, { selectedKeys });
console.log(await numbers(out)); // [ 0.5, 4, 6 ]

// The rows are at positions 5, 6 and 7: causal hides key 7 from the second.
const causal = attention(q, k, v, { selectedKeys, causal: true });
console.log(await numbers(causal.out)); // [ 0.5, 2.5, 6 ]
