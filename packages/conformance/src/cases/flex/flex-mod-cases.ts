import { normalTable, table } from '../../problems/host-tables.ts';
import { mods, type Pair } from '../../problems/launch-flex.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { RunnableCase } from '../shared/case.ts';
import { pairCases } from './pair-case.ts';

// WGSL allows sine and cosine an error of 2⁻¹¹, and the tangent of 2 the error of their quotient
// (https://www.w3.org/TR/WGSL/#floating-point-accuracy).
const scoreError = 2 ** -8;

const offsets = normalTable([4], random(31));

/** The score mods of PyTorch's test_flex_attention.py. */
const scorePairs: Readonly<Record<string, Pair>> = {
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

const scoreModCases: readonly RunnableCase[] = pairCases('flex-score-mods', scorePairs, {
  full: ['trig-branching', 'silu'],
  browser: Object.keys(scorePairs),
  f16: ['tanh-softcap'],
});

const conditionSource = random(51);
const batchBias = normalTable([4], conditionSource);
const headScale = normalTable([4], conditionSource);
const distance = normalTable([201], conditionSource);
const rowBias = normalTable([120], conditionSource);
const keyBias = normalTable([420], conditionSource, 'f16');
const visible = table([64, 96], 'i32', () => conditionSource.below(3));
const bidirectional = table([4], 'i32', (b) => [5, 0, 40, 17][b] as number);
const documents = table([4, 90], 'i32', (i) => Math.floor((i % 90) / (7 + 9 * Math.floor(i / 90))));

/** Conditional masks of PyTorch's tests, and the stress mods of FlashAttention's: branches, buffers, bits, packed rows. */
const conditionPairs: Readonly<Record<string, Pair>> = {
  'if-else-score': () =>
    mods({
      scoreMod: (s, b, h, q, kv) => {
        if (kv % 3 === 0) return s * 2;
        else if (q < kv) {
          return s - 0.125 * (kv - q);
        }
        let rest = s;
        if (h === 1) rest += 1;
        else rest -= b;
        return rest;
      },
    }),
  'if-else-mask': () =>
    mods({
      maskMod: (b, h, q, kv) => {
        if (h % 2 === 0) return q >= kv;
        if (q % 5 === 0) return true;
        return kv < 20;
      },
    }),
  'bidirectional-per-batch': (given) =>
    mods({
      maskMod: (b, h, q, kv, c) => q >= kv || (q < c.prefix[b]! && kv < c.prefix[b]!),
      captures: { prefix: given(bidirectional) },
    }),
  'window-per-head': () =>
    mods({
      maskMod: (b, h, q, kv, c) => Math.abs(q - kv) <= (h + 1) * c.step,
      captures: { step: 6 },
    }),
  'documents-per-batch': (given) =>
    mods({
      maskMod: (b, h, q, kv, { id }) => id[b]![q] === id[b]![kv],
      captures: { id: given(documents) },
    }),
  'mask-table': (given) =>
    mods({
      maskMod: (b, h, q, kv, c) => c.visible[q]![kv]! > 0,
      captures: { visible: given(visible) },
    }),
  'score-and-mask': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[q - kv + 100]!,
      maskMod: (b, h, q, kv, c) => q - kv <= c.left && kv - q <= c.right,
      captures: { bias: given(distance), left: 30, right: 11 },
    }),
  'xor-pattern': () =>
    mods({
      scoreMod: (s, b, h, q, kv) => s + ((q ^ kv) & 255) / 256,
      maskMod: (b, h, q, kv) => ((q ^ kv) & 3) !== 0 || (q >> 2) % 3 === 1,
    }),
  'multi-buffer': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) =>
        (s + c.batch[b]!) * c.head[h]! + c.distance[q - kv + 100]! + c.key[kv]! / 2,
      captures: {
        batch: given(batchBias),
        head: given(headScale),
        distance: given(distance),
        key: given(keyBias),
      },
    }),
  'global-indices': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c, { qRow, kvRow }) => s + c.row[qRow]! * c.key[kvRow]!,
      captures: { row: given(rowBias), key: given(keyBias) },
    }),
  // A mask that reads all fields of `info`: lengths and rows.
  'info-in-a-mask': () =>
    mods({
      maskMod: (b, h, q, kv, c, { qLen, kvLen, qRow, kvRow }) =>
        q - (kvLen - qLen) >= kv - 10 && (qRow + kvRow) % 4 !== 0,
    }),
};

const conditionCases: readonly RunnableCase[] = pairCases('flex-conditions', conditionPairs, {
  first: 2,
  full: ['window-per-head', 'info-in-a-mask'],
  browser: ['if-else-mask', 'documents-per-batch', 'xor-pattern', 'global-indices'],
});

const hiddenSource = random(71);
const sparse = (hidden: number) => (): number =>
  hiddenSource.below(3) === 0 ? hidden : hiddenSource.normal();
const infinite = table([64], 'f32', sparse(-Infinity));
const infiniteHalves = table([64], 'f16', sparse(-Infinity));
const unknown = table([64], 'f32', sparse(NaN));
const unknownHalves = table([64], 'f16', sparse(NaN));
const hiddenBrains = table([64], 'bf16', (i) => [-Infinity, NaN, 0.5, -2][i % 4]!);
const hiddenHeads = table([4], 'f32', (h) => (h % 2 === 0 ? -Infinity : 0.5));

/** Pairs hidden by −∞ or NaN, returned or read, and by a mask; also rows without any visible key. */
const hiddenPairs: Readonly<Record<string, Pair>> = {
  'score-minus-infinity': () =>
    mods({ scoreMod: (s, b, h, q, kv) => ((q + kv) % 3 === 0 ? -Infinity : s) }),
  // A score at or below −1e30 counts as masked.
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
  // max() makes the hidden pair visible again: to a mod, −∞ is a number.
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
  'table-infinity-and-nan-bf16': (given) =>
    mods({
      scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]!,
      captures: { bias: given(hiddenBrains) },
    }),
};

const hiddenCases: readonly RunnableCase[] = pairCases('flex-hidden', hiddenPairs, {
  first: 4,
  full: ['score-log-of-negative', 'table-minus-infinity-f32', 'table-nan-f16', 'between-rows'],
  browser: ['score-nan', 'table-minus-infinity-f16', 'table-nan-f32', 'some-rows', 'all-rows'],
});

/** Cases of score mods and masks. */
export const flexModCases: readonly RunnableCase[] = [
  ...scoreModCases,
  ...conditionCases,
  ...hiddenCases,
];
