import { DisposedError, type Gpu, openGpu, type Tensor, ValidationError } from '@heed/core';
import { TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  BlockMask,
  createBlockMask,
  flexAttention,
  type FlexOptions,
  planFlexAttention,
  type ScoreMod,
} from '../../src/index.ts';
import { causal } from '../../src/masks/index.ts';

let gpu: Gpu;
let other: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  other = await openGpu({ device: gpu.device, label: 'other' });
  source = new TensorSource(gpu, 10, 8);
});

const identity: ScoreMod = (score) => score;
const reads: ScoreMod<{ t: Tensor }> = (score, b, h, q, kv, { t }) => score + t[kv]!;

/** A call whose options are wrong. */
const attend = (options: unknown): unknown => {
  const { q, k, v } = source.dense(1, 4, 5);
  return flexAttention(q, k, v, options as FlexOptions);
};

function expectRefusal(run: () => unknown, says: RegExp): void {
  expect(run).toThrow(says);
  expect(run).toThrow(ValidationError);
}

describe('flexAttention refuses', () => {
  it.for([
    [
      { causal: true },
      /^flexAttention: there is no causal in options; got true\. Pass maskMod: causal from/,
    ],
    [
      { window: [3, 0] },
      /there is no window in options; got \[3, 0\]\. .*bind\(slidingWindow, \{ window \}\)/,
    ],
    [{ softcap: 30 }, /there is no softcap in options; got 30\. .*bind\(softcap, \{ cap \}\)/],
    [
      { alibiSlopes: 1 },
      /there is no alibiSlopes in options; got 1\. .*bind\(alibi, \{ slopes \}\)/,
    ],
    [{ causal: false }, /there is no causal in options; got false/],
    [null, /options must be an object; got null/],
    [undefined, /options must be an object; got undefined/],
    [7, /options must be an object; got 7/],
    [
      { scoreMod: 'score + 1' },
      /scoreMod must be a function; got 'score \+ 1'\. Leave it out for none/,
    ],
    [{ scoreMod: null }, /scoreMod must be a function; got null/],
    [{ maskMod: {} }, /maskMod must be a function; got Object/],
    [{ blockMask: {} }, /blockMask must be a BlockMask; got Object\. Make it with createBlockMask/],
    [{ blockMask: null }, /blockMask must be a BlockMask; got null/],
    [{ blockMask: causal }, /blockMask must be a BlockMask; got .*or pass a function as maskMod/],
    [
      { scoreMod: identity, captures: null },
      /captures must be an object; got null\. Pass them by name/,
    ],
    [{ scoreMod: identity, captures: 3 }, /captures must be an object; got 3/],
    [{ scoreMod: identity, scale: Infinity }, /scale must be a finite number/],
    [{ scoreMod: identity, align: 'left' }, /align must be 'start' or 'end'; got 'left'/],
    [{ scoreMod: identity, numSplits: 0 }, /numSplits/],
    [
      { cuSeqlensQ: Int32Array.of(0, 4) },
      /q must have rank 3 where there is cuSeqlensQ; got rank 4/,
    ],
  ] as const)('%o', ([options, says]) => {
    expectRefusal(() => attend(options), says);
  });

  it('no options at all', () => {
    const { q, k, v } = source.dense(1, 4, 5);
    expectRefusal(() => flexAttention(q, k, v, undefined as never), /options must be an object/);
  });

  it('packed queries without their lengths', () => {
    const { q, k, v } = source.packed(4, 5);
    expectRefusal(() => flexAttention(q, k, v, {}), /cuSeqlensQ is required/);
  });

  it('planFlexAttention refuses the same', () => {
    const sizes = { layout: 'dense', q: [1, 4, 64, 8], k: [1, 2, 64, 8] } as const;
    const plan = (o: object): unknown => planFlexAttention(gpu, { ...sizes, ...o });
    expectRefusal(() => plan({ causal: true }), /^planFlexAttention: /);
    expectRefusal(
      () => plan({ scoreMod: 1 }),
      /planFlexAttention: scoreMod must be a function; got 1/,
    );
    expectRefusal(
      () => plan({ blockMask: {} }),
      /planFlexAttention: blockMask must be a BlockMask/,
    );
  });
});

describe('captures', () => {
  const uses = (t: unknown) => (): unknown => attend({ scoreMod: reads, captures: { t } });

  it.for([
    ['NaN', NaN, /captured numbers must not be NaN; got captures\.t = NaN/],
    ['null', null, /captures must be numbers, booleans, tensors or functions; got captures\.t = /],
    ['an object', { x: 1 }, /got captures\.t = object\. Pass its parts one by one/],
    ['a string', '1', /got captures\.t = string/],
    ['an array', [1, 2, 3], /captures\.t must be a Tensor; got .*gpu\.tensor\(\)/],
    ['a typed array', Float32Array.of(1, 2), /captures\.t must be a Tensor/],
    ['what only looks like a tensor', { dtype: 'f32', shape: [3] }, /captures\.t must be a Tensor/],
  ] as const)('that are %s are refused', ([, t, says]) => {
    expectRefusal(uses(t), says);
  });

  it('must be tensors of this Gpu, with an element, of rank ≤ 4, and alive', () => {
    expectRefusal(uses(other.tensor([1], { shape: [1] })), /captures\.t .* belongs to another Gpu/);
    expectRefusal(uses(gpu.empty([0])), /captures\.t must have an element; got shape \[0\]/);
    expectRefusal(uses(gpu.empty([1, 1, 1, 1, 1])), /at most 4 dimensions; got captures\.t with 5/);
    const gone = gpu.tensor([1], { shape: [1] });
    gone.dispose();
    expect(uses(gone)).toThrow(DisposedError);
    expect(uses(gone)).toThrow(/captures\.t/);
  });

  it('that nothing reads may be anything that has a type', () => {
    const gone = gpu.tensor([1], { shape: [1] });
    gone.dispose();
    const { q, k, v } = source.dense(1, 0, 5);
    expect(() => flexAttention(q, k, v, { captures: { gone } })).not.toThrow();
  });

  it('may not be written: out in the buffer of a captured tensor', () => {
    const { q, k, v } = source.dense(1, 4, 5);
    const both = gpu.empty([1, 4, 4, 8]);
    const t = both.reshape([128]).slice(0, 0, 5);
    const run = (): unknown =>
      flexAttention(q, k, v, { scoreMod: reads, captures: { t }, out: both });
    expectRefusal(run, /out may not share a buffer with captured tensor 0/);
  });
});

describe('createBlockMask refuses', () => {
  const sizes = { Lq: 64, Lk: 96 };
  const make = (options: unknown, mask: Function = causal): unknown =>
    createBlockMask(gpu, mask as never, options as never);
  const cuSeqlensQ = Int32Array.of(0, 3, 7);

  it.for([
    [null, /options must be an object; got null/],
    [{ Lk: 96 }, /Lq is required; got undefined\. Pass the length, or cuSeqlensQ/],
    [{ Lq: 96 }, /Lk is required; got undefined/],
    [{ ...sizes, Lq: -1 }, /Lq must be an integer from 0 to 536870912; got -1/],
    [{ ...sizes, Lq: 2.5 }, /Lq must be an integer/],
    [{ ...sizes, Lk: 2 ** 30 }, /Lk must be an integer/],
    [{ ...sizes, B: '2' }, /B must be an integer .* got '2'/],
    [{ ...sizes, H: NaN }, /H must be an integer .* got NaN/],
    [{ ...sizes, align: 'middle' }, /align must be 'start' or 'end'; got 'middle'/],
    [
      { ...sizes, blockSize: 48 },
      /blockSize must be one or two multiples of 32; got 48\. Leave it out for 128/,
    ],
    [{ ...sizes, blockSize: 0 }, /blockSize .* got 0/],
    [{ ...sizes, blockSize: [64] }, /blockSize .* got \[64\]/],
    [{ ...sizes, blockSize: [64, 100] }, /blockSize .* got \[64, 100\]/],
    [{ ...sizes, captures: null }, /captures must be an object; got null/],
    [{ ...sizes, B: 2, seqUsedK: Int32Array.of(3) }, /seqUsedK must be \[2\]; got 1 entries/],
    [
      { ...sizes, seqUsedK: Int32Array.of(97) },
      /seqUsedK\[0\] must be from 0 to its slot's 96; got 97/,
    ],
    [{ ...sizes, seqUsedK: [3] }, /seqUsedK must be an Int32Array or an i32 Tensor/],
    [{ cuSeqlensQ, B: 3 }, /B must be the number of sequences, 2; got 3/],
    [{ cuSeqlensQ, Lq: 5 }, /cuSeqlensQ must end within the 5 rows/],
    [{ cuSeqlensQ: Int32Array.of(1, 3) }, /cuSeqlensQ must start with 0; got 1/],
    [{ cuSeqlensQ: Int32Array.of(0, 3, 2) }, /cuSeqlensQ must not decrease/],
    [{ cuSeqlensQ: Int32Array.of() }, /cuSeqlensQ must be \[1\]; got 0 entries/],
    [{ cuSeqlensQ: [0, 3] }, /cuSeqlensQ must be an Int32Array or an i32 Tensor/],
    [{ cuSeqlensQ: null }, /cuSeqlensQ must be an Int32Array or an i32 Tensor; got null/],
    [{ cuSeqlensQ, cuSeqlensK: Int32Array.of(0, 3) }, /cuSeqlensK must be \[3\]; got 2 entries/],
    [{ cuSeqlensQ, cuSeqlensK: [0, 3, 4] }, /cuSeqlensK must be an Int32Array or an i32 Tensor/],
    [
      { cuSeqlensQ, seqUsedK: Int32Array.of(4, 0) },
      /seqUsedK\[0\] must be from 0 to its slot's 3; got 4/,
    ],
    [{ cuSeqlensQ, blockTable: Int32Array.of(0, 1) }, /blockTable needs seqUsedK/],
  ] as const)('%o', ([options, says]) => {
    expectRefusal(() => make(options), says);
    expect(() => make(options)).toThrow(/^createBlockMask: /);
  });

  it('a mask that is no function', () => {
    expectRefusal(
      () => make(sizes, null as never),
      /a mod must be a function, or one that compileMod has precompiled; got null/,
    );
  });

  it('B or H missing where the mask reads b or h', () => {
    const byBatch = (b: number, h: number, q: number): boolean => q > b;
    const byHead = (b: number, h: number, q: number): boolean => q > h;
    expectRefusal(
      () => make(sizes, byBatch),
      /B is required, since the mask depends on b; got undefined/,
    );
    expectRefusal(
      () => make(sizes, byHead),
      /H is required, since the mask depends on h; got undefined/,
    );
    expectRefusal(() => make({ cuSeqlensQ }, byHead), /H is required/);
    expect(() => make({ cuSeqlensQ }, byBatch)).not.toThrow();
  });

  it('lengths on the GPU without the sizes that they do not tell', () => {
    const list = gpu.tensor([0, 3, 7], { shape: [3], dtype: 'i32' });
    expectRefusal(
      () => make({ cuSeqlensQ: list }),
      /Lq, the rows of the tensor, is required.*on the GPU/,
    );
    expectRefusal(
      () => make({ cuSeqlensQ: list, Lq: 7 }),
      /Lk, the rows of the tensor, is required/,
    );
    const used = list.slice(0, 0, 2);
    const paged = { cuSeqlensQ, seqUsedK: used, blockTable: Int32Array.of(0, 1) };
    expectRefusal(() => make(paged), /Lk, the most keys of a sequence, is required/);
    expect(() => make({ ...paged, Lk: 7 })).not.toThrow();
    expectRefusal(
      () => make({ cuSeqlensQ: list.slice(0, 0, 0), Lq: 7, Lk: 7 }),
      /cuSeqlensQ must be \[1\]/,
    );
    const floats = gpu.tensor([0, 3], { shape: [2] });
    expectRefusal(() => make({ cuSeqlensQ: floats, Lq: 7 }), /cuSeqlensQ must be i32; got f32/);
    const foreign = other.tensor([0, 3], { shape: [2], dtype: 'i32' });
    expectRefusal(() => make({ cuSeqlensQ: foreign, Lq: 7 }), /another Gpu/);
  });

  it('and fromCuSeqlens too', () => {
    const from = (cu: unknown, o = {}): unknown => BlockMask.fromCuSeqlens(gpu, cu as never, o);
    expectRefusal(() => from([0, 3]), /^BlockMask\.fromCuSeqlens: cuSeqlens must be an Int32Array/);
    expectRefusal(() => from(undefined), /cuSeqlens must be an Int32Array/);
    expectRefusal(() => from(Int32Array.of()), /cuSeqlens must be \[1\]/);
    expectRefusal(
      () => from(Int32Array.of(0, 9), { L: 8 }),
      /cuSeqlens must end within the 8 rows/,
    );
    const list = gpu.tensor([0, 3], { shape: [2], dtype: 'i32' });
    expectRefusal(() => from(list), /L is required; got undefined\. Lengths on the GPU/);
    expectRefusal(() => from(Int32Array.of(0, 9), { L: 2.5 }), /L must be an integer/);
  });
});
