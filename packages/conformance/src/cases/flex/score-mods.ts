import { type Pair, mods } from '../../problems/launch-flex.ts';
import { random } from '../../reference/seeded-random.ts';
import { normalTable } from '../../problems/captured-tables.ts';
import type { Case } from '../case.ts';
import { pairCases } from './pairs.ts';

// Sine and cosine may be 2⁻¹¹ off, the tangent of 2 by their quotient's part of it
// (https://www.w3.org/TR/WGSL/#floating-point-accuracy).
const scoreError = 2 ** -8;

const offsets = normalTable([4], random(31));

/** The score mods of PyTorch's test_flex_attention.py. */
const pairs: Readonly<Record<string, Pair>> = {
  identity: () => mods({ scoreMod: (score) => score }),
  'times-two': () => mods({ scoreMod: (score) => score * 2 }),
  squared: () => mods({ scoreMod: (score) => score * score }),
  causal: () => mods({ scoreMod: (score, b, h, q, kv) => (q >= kv ? score : -Infinity) }),
  'inverse-causal': () => mods({ scoreMod: (score, b, h, q, kv) => (q <= kv ? score : -Infinity) }),
  'rel-bias': () => mods({ scoreMod: (score, b, h, q, kv) => score + (q - kv) }),
  'rel-causal': () =>
    mods({ scoreMod: (score, b, h, q, kv) => (q >= kv ? score + (q - kv) : -Infinity) }),
  alibi: () =>
    mods({
      scoreMod: (score, b, h, q, kv, { heads }) =>
        score + (kv - q) * Math.pow(2, (-8 * (h + 1)) / heads),
      captures: { heads: 4 },
    }),
  trig: () => mods({ scoreMod: (score, b) => Math.sin(Math.cos(score)) + Math.tan(b), scoreError }),
  'trig-branching': () =>
    mods({
      scoreMod: (score, b) => {
        const wave = Math.cos(score);
        return wave * Math.sin(score) + Math.tan(b);
      },
      scoreError,
    }),
  'head-offset': (given) =>
    mods({
      scoreMod: (score, b, h, q, kv, { offset }) => score * offset[h]!,
      captures: { offset: given(offsets) },
    }),
  'tanh-softcap': () =>
    mods({
      scoreMod: (score, b, h, q, kv, { cap }) => cap * Math.tanh(score / cap),
      captures: { cap: 1.5 },
    }),
  silu: () => mods({ scoreMod: (score) => score / (1 + Math.exp(-score)) }),
  'skip-odd-keys': () =>
    mods({ scoreMod: (score, b, h, q, kv) => (kv % 2 === 0 ? score : -Infinity) }),
};

export const scoreModCases: readonly Case[] = pairCases('flex-score-mods', pairs, {
  full: ['trig-branching', 'silu'],
  browser: Object.keys(pairs),
  f16: ['tanh-softcap'],
});
