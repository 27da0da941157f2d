import { andMasks, bind, createBlockMask, flexAttention } from '@heed/flex';
import { causal, document } from '@heed/flex/masks';
import { gpu, inputs, numbers } from './setup.ts';

// Three documents of 300, 500 and 224 tokens, packed into one row of 1024.
const ids = Int32Array.from({ length: 1024 }, (_, i) => (i < 300 ? 0 : i < 800 ? 1 : 2));
const id = gpu.tensor(ids, { shape: [1024], dtype: 'i32' });
const maskMod = andMasks(causal, bind(document, { id }));

const blockMask = createBlockMask(gpu, maskMod, { Lq: 1024, Lk: 1024, blockSize: 64 });
console.log(await blockMask.toText());
console.log(await blockMask.sparsity()); // 0.734375

const { out } = flexAttention(...inputs(1024), { blockMask });
console.log(await numbers(out.slice(2, 298, 303))); // [ 149, 149.5, 300, 300.5, 301 ]
blockMask.dispose();
