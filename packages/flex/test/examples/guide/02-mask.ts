import { createBlockMask, flexAttention, type MaskMod } from '@heed/flex';
import { gpu, inputs, numbers } from './setup.ts';

const causal: MaskMod = (b, h, q, kv) => q >= kv;
const window: MaskMod = (b, h, q, kv) => q >= kv && q - kv <= 2;

const whole = flexAttention(...inputs(6), { maskMod: causal });
console.log(await numbers(whole.out)); // [ 0, 0.5, 1, 1.5, 2, 2.5 ]
const near = flexAttention(...inputs(6), { maskMod: window });
console.log(await numbers(near.out)); // [ 0, 0.5, 1, 2, 3, 4 ]

const blocks = createBlockMask(gpu, window, { Lq: 1024, Lk: 1024 });
console.log(await blocks.toText());
blocks.dispose();
