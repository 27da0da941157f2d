import { compileMod, type ScoreMod } from '@heed/flex';
import type { Tensor } from '@heed/core';

type Captures = { bias: Tensor; gate: Tensor; segment: Tensor; cap: number };
const mod: ScoreMod<Captures> = (score, b, h, q, kv, { bias, gate, segment, cap }) =>
  cap * Math.tanh((score * gate[h]!) / cap) + bias[segment[q]!]![kv]!;

const table = (dtype: string, ...shape: number[]) => ({ dtype, shape });
const { explain } = compileMod(mod, {
  bias: table('f32', 4, 64),
  gate: table('f32', 8),
  segment: table('i32', 64),
  cap: 2.5,
});
console.log(explain().split('\n\n')[2]);
