import { random } from '../../reference/seeded-random.ts';
import { type Pair, mods } from '../../problems/launch-flex.ts';
import { table } from '../../problems/captured-tables.ts';
import type { Case } from '../case.ts';
import { pairCases } from './pairs.ts';

const source = random(71);
const sparse = (hidden: number) => (): number => (source.below(3) === 0 ? hidden : source.normal());
const infinite = table([64], 'f32', sparse(-Infinity));
const infiniteHalves = table([64], 'f16', sparse(-Infinity));
const unknown = table([64], 'f32', sparse(NaN));
const unknownHalves = table([64], 'f16', sparse(NaN));
const hiddenHeads = table([4], 'f32', (h) => (h % 2 === 0 ? -Infinity : 0.5));

/** What hides a pair: −∞ or NaN, returned or read, and a mask; and rows that nothing is left of. */
const pairs: Readonly<Record<string, Pair>> = {
  'score-minus-infinity': () =>
    mods({ scoreMod: (s, b, h, q, kv) => ((q + kv) % 3 === 0 ? -Infinity : s) }),
  // At −1e30 a score counts as masked, above it does not.
  'score-very-negative': () => mods({ scoreMod: (s, b, h, q, kv) => (kv % 2 === 0 ? -2e30 : s) }),
  'score-nan': () => mods({ scoreMod: (s) => Math.sqrt(s) }),
  'score-log-of-negative': () => mods({ scoreMod: (s, b, h, q, kv) => s + Math.log(q - kv + 0.5) }),
  'table-minus-infinity-f32': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]!,
      captures: { bias: given(infinite) },
    }),
  'table-minus-infinity-f16': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => 2 * (s + c.bias[kv]!) - 1,
      captures: { bias: given(infiniteHalves) },
    }),
  'table-nan-f32': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[q - kv + 20]!,
      captures: { bias: given(unknown) },
    }),
  'table-nan-f16': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => Math.min(s, c.bias[kv]!) + c.bias[kv]!,
      captures: { bias: given(unknownHalves) },
    }),
  // A clamped minimum takes the hidden pair back: −∞ is a number to a mod.
  'table-floor': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + Math.max(c.bias[kv]!, -3),
      captures: { bias: given(unknown) },
    }),
  'whole-heads': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[h]!,
      captures: { bias: given(hiddenHeads) },
    }),
  'some-rows': () => mods({ maskMod: (b, h, q, kv) => q % 3 !== 0 && kv % 5 !== 0 }),
  'all-rows': () => mods({ maskMod: (b, h, q, kv) => kv < b - 9 }),
  'between-rows': () =>
    mods({ maskMod: (b, h, q, kv, { gap }) => q - kv > gap, captures: { gap: 40 } }),
};

export const hiddenCases: readonly Case[] = pairCases('flex-hidden', pairs, {
  first: 4,
  full: ['score-log-of-negative', 'table-minus-infinity-f32', 'table-nan-f16', 'between-rows'],
  browser: ['score-nan', 'table-minus-infinity-f16', 'table-nan-f32', 'some-rows', 'all-rows'],
});
