import { flexAttention, type MaskMod } from '@heed/flex';
import { gpu, inputs, numbers } from './setup.ts';

const even: MaskMod = (b, h, q, kv) => kv % 2 === 0;

const [q, k, v] = inputs(2, 12);
// Block n is keys 4n to 4n + 3.
const selectedKeys = gpu.tensor([0, 2, 1, 2], { shape: [1, 1, 2, 2], dtype: 'i32' });
const blocks = { selectedKeys, selectedBlockSize: 4 };
console.log(await numbers(flexAttention(q, k, v, blocks).out)); // [ 5.5, 7.5 ]

const masked = flexAttention(q, k, v, { ...blocks, maskMod: even });
console.log(await numbers(masked.out)); // [ 5, 7 ]
