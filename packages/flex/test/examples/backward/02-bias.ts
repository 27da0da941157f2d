import type { Tensor } from '@heed/core';
import { flexAttentionVjp, type ScoreMod } from '@heed/flex';
import { gpu, inputs, numbers } from './setup.ts';

const byDistance: ScoreMod<{ bias: Tensor }> = (score, b, h, q, kv, c) =>
  q < kv ? -Infinity : score + c.bias[q - kv]!;

// Which bias makes every row look one position back?
const target = [0, 0, 1, 2, 3, 4];
const [q, k, v] = inputs(6);
let learned = [0, 0, 0, 0, 0, 0];

/** One step down the gradient of Σ (out − target)² / 2; gives out. */
async function step(): Promise<number[]> {
  const bias = gpu.tensor(learned, { shape: [6] });
  const { out, backward } = flexAttentionVjp(q, k, v, {
    scoreMod: byDistance,
    captures: { bias },
  });
  const rows = Array.from(await out.read());
  const errors = rows.map((x, i) => x - target[i]!);
  const dOut = gpu.tensor(errors, { shape: [1, 1, 6, 1] });
  const slopes = await backward(dOut).dCaptures['bias'].read();
  learned = learned.map((x, i) => x - slopes[i]!);
  dOut.dispose();
  bias.dispose();
  return numbers(out);
}

console.log(await step()); // [ 0, 0.5, 1, 1.5, 2, 2.5 ]
for (let i = 0; i < 99; i++) await step();
console.log(await step()); // [ 0, 0.053, 1.024, 2.004, 2.984, 3.956 ]
