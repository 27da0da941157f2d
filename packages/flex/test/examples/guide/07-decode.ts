import { bind, flexAttention, type MaskMod } from '@heed/flex';
import { slidingWindow } from '@heed/flex/masks';
import { gpu, numbers } from './setup.ts';

const zeros = (...shape: number[]) =>
  gpu.tensor(new Float32Array(shape.reduce((a, b) => a * b)), { shape });
const maskMod = bind(slidingWindow, { window: 2 });
const seqUsedK = Int32Array.of(3, 7);

// Two caches with room for 8 keys, 3 and 7 of them in use; the rest was never written. One new query each: its
// position is the last in use, 2 and 6, so it sees positions 0 to 2 and 4 to 6.
const cache = [0, 1, 2, NaN, NaN, NaN, NaN, NaN, 0, 1, 2, 3, 4, 5, 6, NaN];
const v = gpu.tensor(cache, { shape: [2, 1, 8, 1] });
const decoded = flexAttention(zeros(2, 1, 1, 8), zeros(2, 1, 8, 8), v, { maskMod, seqUsedK });
console.log(await numbers(decoded.out)); // [ 1, 5 ]

// The same keys in pages of 4: those of the first cache in page 1, those of the second in pages 2 and 0.
const blockTable = gpu.tensor([1, -1, 2, 0], { shape: [2, 2], dtype: 'i32' });
const paged = { cuSeqlensQ: Int32Array.of(0, 1, 2), seqUsedK, blockTable };
const pages = [4, 5, 6, NaN, 0, 1, 2, NaN, 0, 1, 2, 3];
const vp = gpu.tensor(pages, { shape: [3, 4, 1, 1] }); // [pages, pageSize, H, D]
const [qp, kp] = [zeros(2, 1, 8), zeros(3, 4, 1, 8)];
console.log(await numbers(flexAttention(qp, kp, vp, { ...paged, maskMod }).out)); // [ 1, 5 ]

// `info` has the lengths, and the rows of the tensors: here only the newest key, and the oldest.
const ends: MaskMod = (b, h, q, kv, c, info) => kv === 0 || kv === info.kvLen - 1;
console.log(await numbers(flexAttention(qp, kp, vp, { ...paged, maskMod: ends }).out)); // [ 1, 3 ]
