import { andMasks, bind, notMask, orMasks } from '@heed/flex';
import {
  blockDiagonal,
  causal,
  dilatedWindow,
  document,
  globalPlusWindow,
  natten2d,
  prefixLm,
  sharedPrefix,
  slidingWindow,
  tree,
} from '@heed/flex/masks';
import { absoluteBias, alibi, headGate, relativeBias, softcap } from '@heed/flex/mods';
import { random } from '../../reference/seeded-random.ts';
import { type Pair, mods } from '../../problems/launch-flex.ts';
import { normalTable, table } from '../../problems/captured-tables.ts';
import type { Case } from '../case.ts';
import { pairCases } from './pairs.ts';

const source = random(61);
const slopes = table([4], 'f32', (h) => 2 ** (-2 * (h + 1)));
const bias = normalTable([2, 1, 64, 96], source);
const gate = normalTable([4], source);
const relative = normalTable([4, 41], source);
const prefix = table([4], 'i32', (b) => [20, 0, 64, 7][b] as number);
const id = table([131], 'i32', (i) => Math.floor(i / 23));
// Each node's parent comes before it.
const parents = Array.from({ length: 20 }, (_, node) => source.below(Math.max(1, node)));
const ancestors = table([20, 1], 'i32', (node) => ancestorBits(node));

function ancestorBits(node: number): number {
  return 2 ** node + (node === 0 ? 0 : ancestorBits(parents[node] as number));
}

/** Every mod and mask that ships with @heed/flex, and how they combine. */
const pairs: Readonly<Record<string, Pair>> = {
  alibi: (given) => mods({ scoreMod: alibi, captures: { slopes: given(slopes) } }),
  softcap: () => mods({ scoreMod: bind(softcap, { cap: 2 }) }),
  'relative-bias': (given) =>
    mods({ scoreMod: relativeBias, captures: { bias: given(relative), maxDistance: 20 } }),
  'absolute-bias': (given) => mods({ scoreMod: absoluteBias, captures: { bias: given(bias) } }),
  'head-gate': (given) => mods({ scoreMod: headGate, captures: { gate: given(gate) } }),
  causal: () => mods({ maskMod: causal }),
  'sliding-window': () => mods({ maskMod: bind(slidingWindow, { window: 21 }) }),
  'dilated-window': () => mods({ maskMod: bind(dilatedWindow, { window: 40, dilation: 3 }) }),
  'prefix-lm': (given) => mods({ maskMod: prefixLm, captures: { prefix: given(prefix) } }),
  document: (given) => mods({ maskMod: bind(document, { id: given(id) }) }),
  'global-plus-window': () => mods({ maskMod: bind(globalPlusWindow, { globals: 3, window: 9 }) }),
  'shared-prefix': (given) =>
    mods({ maskMod: sharedPrefix, captures: { prefix: 17, id: given(id) } }),
  'block-diagonal': () => mods({ maskMod: blockDiagonal, captures: { blockSize: 24 } }),
  tree: (given) => mods({ maskMod: tree, captures: { ancestors: given(ancestors) } }),
  natten2d: () => mods({ maskMod: natten2d, captures: { height: 11, width: 9, kernel: 5 } }),
  composed: (given) =>
    mods({
      scoreMod: bind(alibi, { slopes: given(slopes) }),
      maskMod: andMasks(
        orMasks(bind(slidingWindow, { window: 12 }), bind(prefixLm, { prefix: given(prefix) })),
        notMask(bind(blockDiagonal, { blockSize: 8 })),
      ),
    }),
};

export const libraryCases: readonly Case[] = pairCases('flex-library', pairs, {
  first: 3,
  browser: Object.keys(pairs).filter((_, n) => n % 2 === 1),
});
