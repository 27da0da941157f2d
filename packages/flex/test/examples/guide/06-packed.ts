import { BlockMask, createBlockMask, flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { gpu, inputs, numbers } from './setup.ts';

const cuSeqlensQ = Int32Array.of(0, 2, 6); // documents of 2 and 4 tokens
const [q, k, v] = inputs(6);

// One dense row: q and kv count from the start of the row.
const blockMask = BlockMask.fromCuSeqlens(gpu, cuSeqlensQ, { maskMod: causal });
const row = flexAttention(q, k, v, { blockMask });
console.log(await numbers(row.out)); // [ 0, 0.5, 2, 2.5, 3, 3.5 ]

// The packed layout, [T, H, D]: every document is a separate attention, and q and kv count from its start.
const [qs, ks, vs] = [q.reshape([6, 1, 8]), k.reshape([6, 1, 8]), v.reshape([6, 1, 1])];
const packed = flexAttention(qs, ks, vs, { cuSeqlensQ, maskMod: causal });
console.log(await numbers(packed.out)); // [ 0, 0.5, 2, 2.5, 3, 3.5 ]

// Blocks of a packed layout, for the lengths of example 5.
const longer = Int32Array.of(0, 300, 800, 1024);
const sequences = createBlockMask(gpu, causal, { cuSeqlensQ: longer });
console.log(await sequences.toText());
sequences.dispose();
blockMask.dispose();
