import { flexAttention } from '@heed/flex';
import { inputs, numbers } from './setup.ts';

const { out, lse } = flexAttention(...inputs(4), {
  scoreMod: (score, b, h, q, kv) => score + (q - kv),
  returnLse: true,
});

console.log(await numbers(out)); // [ 0.507, 0.507, 0.507, 0.507 ]
console.log(await numbers(lse)); // [ 0.44, 1.44, 2.44, 3.44 ]
