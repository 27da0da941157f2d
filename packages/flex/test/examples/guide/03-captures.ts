import type { Tensor } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { bind, flexAttention, type ScoreMod } from '@heed/flex';
import { gpu, inputs, numbers } from './setup.ts';

const relative: ScoreMod<{ bias: Tensor; max: number }> = (score, b, h, q, kv, c) =>
  score + c.bias[h]![q - kv + c.max]!;

// Two heads, distances −3 to 3. The first has no preference, the second weighs a query's own position 9-fold.
const row = [0, 0, 0, 0, 0, 0, 0];
const bias = gpu.tensor([...row, ...row.with(3, Math.log(9))], { shape: [2, 7] });
const { out } = flexAttention(...inputs(4, 4, 2), {
  scoreMod: relative,
  captures: { bias, max: 3 },
});
console.log(await numbers(out.slice(1, 0, 1))); // [ 1.5, 1.5, 1.5, 1.5 ]
console.log(await numbers(out.slice(1, 1, 2))); // [ 0.5, 1.167, 1.833, 2.5 ]

// Other values, another length, another table: the same kernel. `bind` gives the mod its captures for good.
const kernels = kernelCount(gpu);
const wide = gpu.tensor(new Float32Array(2 * 15), { shape: [2, 15] });
flexAttention(...inputs(8, 8, 2), { scoreMod: bind(relative, { bias: wide, max: 7 }) });
console.log(kernelCount(gpu) - kernels); // 0
