import type { Tensor } from '@heed/core';
import { describe, expectTypeOf, it } from 'vitest';
import {
  andMasks,
  bind,
  createBlockMask,
  flexAttention,
  flexAttentionVjp,
  type MaskMod,
  notMask,
  orMasks,
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

describe('types', () => {
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
