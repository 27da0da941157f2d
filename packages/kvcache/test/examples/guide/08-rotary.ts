import { varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache, rotate } from '@heed/kvcache';
import { gpu, numbers, rows, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 4, pages: 8 });
const sequence = cache.open();

// One pair, which turns by a quarter at each position: keys 4 positions away point the same way.
const table = (f: (angle: number) => number) =>
  gpu.tensor(
    Array.from({ length: 64 }, (_, position) => Math.round(f((position * Math.PI) / 2))),
    { shape: [64, 1] },
  );
const rotary = { cos: table(Math.cos), sin: table(Math.sin) };

const ones = rows([1, 1, 1, 1, 1, 1, 1, 1]);
const first = sequence.nextPosition;
cache.append(0, [sequence], ones, rows([0, 1, 2, 3, 4, 5, 6, 7]), { rotary }); // turns the keys
const positions = Int32Array.from({ length: 8 }, (_, i) => first + i);
const q = rotate(gpu, ones, { ...rotary, positions });

const view = cache.view(0, [sequence]);
const { cuSeqlensQ } = view;
const { out } = varlenAttention(q, view, { cuSeqlensQ, causal: true, scale: 50 });
console.log((await numbers(out)).join(' ')); // 0 1 2 3 2 3 4 5
cache.dispose();
