import { random } from '../../reference/seeded-random.ts';
import { type Pair, mods } from '../../problems/launch-flex.ts';
import { normalTable, table } from '../../problems/captured-tables.ts';
import type { Case } from '../case.ts';
import { pairCases } from './pairs.ts';

const source = random(51);
const batchBias = normalTable([4], source);
const headScale = normalTable([4], source);
const distance = normalTable([201], source);
const rowBias = normalTable([120], source);
const keyBias = normalTable([420], source, 'f16');
const visible = table([64, 96], 'i32', () => source.below(3));
const bidirectional = table([4], 'i32', (b) => [5, 0, 40, 17][b] as number);
const documents = table([4, 90], 'i32', (i) => Math.floor((i % 90) / (7 + 9 * Math.floor(i / 90))));

/** Conditional masks of PyTorch's tests, and the stress mods of FlashAttention's: branches, buffers, bits, packed rows. */
const pairs: Readonly<Record<string, Pair>> = {
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
  // A mask that knows the row, the lengths and the memory: what the contract says of `info`.
  'info-in-a-mask': () =>
    mods({
      maskMod: (b, h, q, kv, c, { qLen, kvLen, qRow, kvRow }) =>
        q - (kvLen - qLen) >= kv - 10 && (qRow + kvRow) % 4 !== 0,
    }),
};

export const conditionCases: readonly Case[] = pairCases('flex-conditions', pairs, {
  first: 2,
  full: ['window-per-head', 'info-in-a-mask'],
  browser: ['if-else-mask', 'documents-per-batch', 'xor-pattern', 'global-indices'],
});
