import { type Gpu, LimitError, ValidationError } from '@heed/core';
import { bits, type Qkv, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bind,
  compileMod,
  createBlockMask,
  f32,
  flexAttention,
  flexAttentionVjp,
  i32,
  type MaskMod,
  planFlexAttention,
  type ScoreMod,
} from '../../src/index.ts';
import { causal } from '../../src/masks/index.ts';

let gpu: Gpu;
let x: Qkv;
beforeAll(async () => {
  gpu = await testGpu();
  x = new TensorSource(gpu, 22, 8).dense(1, 8, 8);
});

const shapes = { layout: 'dense', q: [1, 4, 8, 8], k: [1, 2, 8, 8] } as const;

type Own = { readonly t: number };
const warmer: ScoreMod<Own> = (s, b, h, q, kv, c) => s * c.t;
const wider: MaskMod<Own> = (b, h, q, kv, c) => Math.abs(q - kv) <= c.t;

describe('a captured number of a plan', () => {
  it('made with a fraction takes whole numbers too, forward and backward', async () => {
    const captures = { t: 0.5 };
    using plan = planFlexAttention(gpu, { ...shapes, scoreMod: warmer, captures, backward: true });
    const dOut = new TensorSource(gpu, 23, 8).normal([1, 4, 8, 8]);
    for (const t of [0.75, 1, -3, 2 ** 31]) {
      const { out, backward } = plan.run({ ...x, captures: { t } });
      const want = flexAttentionVjp(x.q, x.k, x.v, { scoreMod: warmer, captures: { t: f32(t) } });
      const [got, wanted] = [backward(dOut), want.backward(dOut)];
      expect(await bits(out, got.dq, got.dv)).toEqual(await bits(want.out, wanted.dq, wanted.dv));
    }
  });

  it('that bind() holds, too', async () => {
    using plan = planFlexAttention(gpu, { ...shapes, scoreMod: bind(warmer, { t: 0.5 }) });
    const { out } = plan.run({ ...x, scoreMod: bind(warmer, { t: 2 }) });
    const want = flexAttention(x.q, x.k, x.v, { scoreMod: warmer, captures: { t: f32(2) } });
    expect(await bits(out)).toEqual(await bits(want.out));
  });

  it('made with a whole number refuses a fraction, and says what to do', () => {
    using plan = planFlexAttention(gpu, { ...shapes, maskMod: wider, captures: { t: 2 } });
    expect(() => plan.run({ ...x, captures: { t: 3 } })).not.toThrow();
    for (const t of [0.5, f32(3), 2 ** 31]) {
      const run = (): unknown => plan.run({ ...x, captures: { t } });
      expect(run).toThrow(ValidationError);
      expect(run).toThrow(
        `plan.run: captures.t must be a whole number, since the plan was made for i32; got ${t.valueOf()}. Make the plan with f32() around it, which takes every number.`,
      );
    }
    using fraction = planFlexAttention(gpu, { ...shapes, maskMod: wider, captures: { t: 0.5 } });
    expect(() => fraction.run({ ...x, captures: { t: i32(2) } })).toThrow(
      'captures.t must be no i32(), since the plan was made for f32; got 2. Leave i32() out.',
    );
  });

  it('of a block mask is as the mask was made', () => {
    const make = (t: number): ReturnType<typeof createBlockMask> =>
      createBlockMask(gpu, wider, { Lq: 8, Lk: 8, captures: { t } });
    using plan = planFlexAttention(gpu, { ...shapes, blockMask: make(0.5) });
    expect(() => plan.run({ ...x, blockMask: make(1.5) })).not.toThrow();
    expect(() => plan.run({ ...x, blockMask: make(f32(1)) })).not.toThrow();
    expect(() => plan.run({ ...x, blockMask: make(1) })).toThrow(
      'captures.t of blockMask must be f32, as in the mask that the plan was made for; got i32. Make both masks with f32() around it.',
    );
  });
});

describe('numbers that a loop of the host counts by', () => {
  it.for([0, -1, NaN, 0.5, Infinity, '8', null])('maxColumns %s is refused', async (maxColumns) => {
    using mask = createBlockMask(gpu, causal, { Lq: 64, Lk: 64, blockSize: 32 });
    const text = mask.toText({ maxColumns } as never);
    await expect(text).rejects.toThrow(ValidationError);
    await expect(text).rejects.toThrow(/^BlockMask.toText: maxColumns must be a whole number/);
    expect(await mask.toText({ maxColumns: 1 })).toBe('▒');
    expect(await mask.toText({ maxColumns: 2 })).toBe('▒·\n█▒');
  });

  it('blocks of more heads than can be read back are refused', async () => {
    using mask = createBlockMask(gpu, causal, { B: 2 ** 20, H: 2 ** 20, Lq: 8, Lk: 8 });
    for (const read of [() => mask.toText(), () => mask.toDense(), () => mask.sparsity()]) {
      await expect(read()).rejects.toThrow(LimitError);
    }
    expect(await mask.slice(0, 0, 1).slice(1, 0, 1).toText()).toBe('▒');
  });

  it('grads that are no list', () => {
    const grads = 5 as never;
    expect(() => flexAttentionVjp(x.q, x.k, x.v, { maskMod: causal, grads })).toThrow(
      'flexAttentionVjp: grads must be a list of names; got 5',
    );
  });
});

it('a block mask explains itself, with the values that it captured', () => {
  const captures = { t: 200 };
  using mask = createBlockMask(gpu, wider, { Lq: 8, Lk: 8, captures });
  const text = mask.explain();
  expect(text).toContain('\nprunes\n  yes: of 64 blocks of 128 × 128, 30 are known to be empty');
  expect(text).toBe(compileMod(wider, captures).explain());
});
