import type { Tensor } from '@heed/core';
import { describe, expectTypeOf, it } from 'vitest';
import {
  andMasks,
  bind,
  compileMod,
  createBlockMask,
  flexAttention,
  flexAttentionVjp,
  type MaskMod,
  notMask,
  orMasks,
  type PrecompiledMod,
  type ScoreMod,
} from '../../src/index.ts';
import { causal, document, slidingWindow } from '../../src/masks/index.ts';
import { alibi } from '../../src/mods/index.ts';

const [q, k, v, id, slopes, bias] = Array.from({ length: 6 }, () => ({}) as Tensor) as Six;
type Six = [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

// Nothing of this is run: the compiler is the test.
const typed = {
  seed: () => flexAttention(q, k, v, { scoreMod: (score, b, h, i, j) => score + (i - j) }),
  tables: () =>
    flexAttention(q, k, v, {
      scoreMod: (score, b, h, i, j, c) => score + c.bias[h]![i - j]! * c.strength,
      maskMod: (b, h, i, j, c, info) => i >= j && j < info.kvLen - c.strength,
      captures: { bias, strength: 2 },
    }),
  destructured: () =>
    flexAttention(q, k, v, {
      scoreMod: (score, b, h, i, j, { scale, decay }) => decay(score * scale),
      captures: { scale: 2, decay: (x: number) => x / 2 },
    }),
  library: () =>
    flexAttention(q, k, v, {
      scoreMod: alibi,
      maskMod: slidingWindow,
      captures: { slopes, window: 3 },
    }),
  bound: () =>
    flexAttention(q, k, v, {
      scoreMod: bind(alibi, { slopes }),
      maskMod: andMasks(causal, bind(slidingWindow, { window: 256 }), bind(document, { id })),
    }),
  blocks: () =>
    createBlockMask(q.gpu, (b, h, i, j, c) => i - j < c.window, {
      Lq: 64,
      Lk: 64,
      captures: { window: 5 },
    }),
  missing: () =>
    flexAttention(q, k, v, {
      // @ts-expect-error no such capture
      scoreMod: (s, b, h, i, j, c) => s * c.other,
      captures: { x: 1 },
    }),
  // @ts-expect-error captures is missing
  none: () => flexAttention(q, k, v, { scoreMod: alibi }),
  // @ts-expect-error captures is missing
  noneOfMask: () => createBlockMask(q.gpu, slidingWindow, { Lq: 64, Lk: 64 }),
  // @ts-expect-error captures is missing
  noneOfGradient: () => flexAttentionVjp(q, k, v, { maskMod: slidingWindow }),
  half: () =>
    // @ts-expect-error one of the two is missing
    flexAttention(q, k, v, { scoreMod: alibi, maskMod: slidingWindow, captures: { window: 3 } }),
  // @ts-expect-error a mask says yes or no
  number: () => flexAttention(q, k, v, { maskMod: (b, h, i, j) => i - j }),
  // @ts-expect-error an option of attention()
  causal: () => flexAttention(q, k, v, { causal: true }),
};

// The twins, which run on the CPU, are called with the types of the mods.
const twins = {
  score: () => compileMod(alibi, { slopes: [0.5] }).js(1, 0, 0, 3, 2),
  mask: () => compileMod(slidingWindow).js(0, 0, 3, 2, { window: 2 }),
  tables: () => compileMod(alibi).js(1, 0, 0, 3, 2, { slopes: [0.5] }, { qLen: 4 }),
  inline: () => compileMod((score, b, h, i, j) => score + (i - j)).js(1, 0, 0, 3, 2),
  inlineMask: () => compileMod((b, h, i, j) => i >= j).js(0, 0, 3, 2),
  named: () =>
    compileMod<ScoreMod<{ scale: number }>>((score, b, h, i, j, c) => score * c.scale).js(
      ...([1, 0, 0, 3, 2, { scale: 2 }] as const),
    ),
  namedMask: () =>
    compileMod<MaskMod<{ id: Tensor }>>((b, h, i, j, c) => c.id[i] === c.id[j]).js(0, 0, 1, 0, {
      id: [0, 0],
    }),
  parsed: (text: string) =>
    compileMod<typeof slidingWindow>(JSON.parse(text) as PrecompiledMod).js(0, 0, 3, 2),
  untyped: (mod: Function) => compileMod(mod).js('anything'),
  // @ts-expect-error a position is missing
  short: () => compileMod(alibi).js(1, 0, 0, 3),
  // @ts-expect-error no such capture
  other: () => compileMod(slidingWindow).js(0, 0, 3, 2, { width: 2 }),
  // @ts-expect-error a table on the CPU is a nested array
  tensor: () => compileMod(alibi).js(1, 0, 0, 3, 2, { slopes }),
};

describe('types', () => {
  it('of a twin are those of the mod', () => {
    expectTypeOf(twins.score).returns.toEqualTypeOf<number>();
    expectTypeOf(twins.mask).returns.toEqualTypeOf<boolean>();
    expectTypeOf(twins.inline).returns.toEqualTypeOf<number>();
    expectTypeOf(twins.inlineMask).returns.toEqualTypeOf<boolean>();
    expectTypeOf(twins.named).returns.toEqualTypeOf<number>();
    expectTypeOf(twins.namedMask).returns.toEqualTypeOf<boolean>();
    expectTypeOf(twins.parsed).returns.toEqualTypeOf<boolean>();
    expectTypeOf(twins.untyped).returns.toEqualTypeOf<number | boolean>();
    expectTypeOf(compileMod(alibi, { slopes: [1] }).ir).toEqualTypeOf<unknown>();
  });

  it('let every form through that is one', () => {
    expectTypeOf(typed.seed).returns.toHaveProperty('out');
  });

  it('bind takes captures away, and combinations want those of all parts', () => {
    type Both = { window: number; id: Tensor };
    const mask = andMasks(slidingWindow, document);
    expectTypeOf(mask).toEqualTypeOf<MaskMod<{ window: number } & { id: Tensor }>>();
    expectTypeOf(bind(mask, { window: 3 })).toExtend<MaskMod<{ id: Tensor }>>();
    expectTypeOf(bind(mask, { window: 3, id })).toExtend<MaskMod>();
    expectTypeOf(orMasks(causal, notMask(document))).toExtend<MaskMod<Both>>();
    expectTypeOf(bind(alibi, { slopes })).toExtend<ScoreMod>();
  });
});
