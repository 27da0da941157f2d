import { bind, compileMod, flexAttention } from '@heed/flex';
import { natten2d, tree } from '@heed/flex/masks';
import { gpu, inputs, numbers } from './setup.ts';

// Four drafted tokens after two cached ones: 0 is the root, 1 and 2 are its children, 3 is a child of 1.
const ancestors = gpu.tensor([0b0001, 0b0011, 0b0101, 0b1011], { shape: [4, 1], dtype: 'i32' });
const { out } = flexAttention(...inputs(4, 6), { maskMod: bind(tree, { ancestors }) });
console.log(await numbers(out)); // [ 1, 1.5, 1.75, 2.2 ]

// Any mask can be drawn on the CPU: the cells that the cell in row 1, column 1 of a 4 × 6 grid sees.
const { js } = compileMod(natten2d, { height: 4, width: 6, kernel: 3 });
const cells = Array.from({ length: 24 }, (_, kv) => (js(0, 0, 7, kv) ? '█' : '░')).join('');
console.log(cells.replaceAll(/.{6}/g, '$&\n'));
