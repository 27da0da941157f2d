import { flexAttention, type MaskMod, type ScoreMod, topKeys } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { gpu, inputs, numbers } from './setup.ts';

const own: ScoreMod = (score, b, h, q, kv) => (kv === Math.floor(q / 2) ? 1e9 : score);
const begun: MaskMod = (b, h, q, kv) => kv * 2 <= q;

const [q, k, v] = inputs(8);
const means = gpu.tensor([3, 1, 2, 0], { shape: [1, 1, 4, 1] }); // of blocks of 2 keys
const rows = gpu.tensor(new Float32Array(8).fill(1), { shape: [1, 1, 8, 1] });
const mods = { scoreMod: own, maskMod: begun, align: 'start' } as const;
const selectedKeys = topKeys(rows, means, { topK: 2, ...mods });
console.log(await numbers(selectedKeys.slice(2, 4, 8))); // [ 0, 2, 0, 2, 0, 3, 0, 3 ]

const { out } = flexAttention(q, k, v, { selectedKeys, selectedBlockSize: 2, maskMod: causal });
console.log(await numbers(out)); // [ 0, 0.5, 1, 1.5, 1.667, 2.5, 2.333, 3.5 ]
