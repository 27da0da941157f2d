import type { Gpu, Tensor } from '@heed/core';
import {
  bind,
  BlockMask,
  type Captures,
  createBlockMask,
  flexAttention,
  flexAttentionVjp,
  type FlexGradients,
  type MaskMod,
  planFlexAttention,
  type ScoreMod,
} from '@heed/flex';
import {
  type AttentionResult,
  attentionVjp,
  type Differentiable,
  mergeStates,
  planAttention,
  varlenAttentionVjp,
} from '@heed/kernels-wgsl';
import { isFullRun, readableOnce, Rng, scribble, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let x: { dense: Tensor; packed: Tensor; pages: Tensor; bias: Tensor; perHead: Tensor };
beforeAll(async () => {
  gpu = await testGpu();
  const rng = new Rng(14);
  const tensor = (...shape: number[]): Tensor =>
    gpu.tensor(rng.normals(shape.reduce((a, b) => a * b, 1)), { shape });
  x = {
    dense: tensor(1, 2, 12, 8),
    packed: tensor(12, 2, 8),
    pages: tensor(5, 4, 2, 8),
    bias: tensor(2, 12),
    perHead: tensor(2),
  };
});

/** Numbers that differ per run; none of them selects another kernel. */
interface Drawn {
  readonly end: number;
  readonly used: number;
  readonly left: number;
  readonly shift: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  end: fc.integer({ min: 1, max: 11 }),
  used: fc.integer({ min: 1, max: 7 }),
  left: fc.integer({ min: 0, max: 6 }),
  shift: fc.integer({ min: 2, max: 5 }),
});

/** The result of a call: tensors to read, and the tensors of its backward, which runs after the arguments are overwritten. */
type Outcome = readonly (Tensor | (() => Record<string, Tensor>))[];

/** Makes a call with the arguments that pass through `given`, and calls `done` once it has returned. */
type Run = <T>(argument: T) => { readonly given: T; done(): void };

const biased: ScoreMod<{ bias: Tensor; shift: number }> = (s, b, h, q, kv, c) =>
  s + c.bias[h]![kv]! * c.shift;
const near: MaskMod<{ left: number }> = (b, h, q, kv, c) => q - kv <= c.left;

const withGradients = (
  { out, lse, backward }: AttentionResult & Differentiable<object>,
  dOut: Tensor,
): Outcome => [
  out,
  lse!,
  () => {
    const { dCaptures, ...gradients } = backward(dOut) as FlexGradients;
    return { ...gradients, ...dCaptures };
  },
];

const calls: Readonly<Record<string, (run: Run, d: Drawn) => Outcome>> = {
  attentionVjp: (run, { used, left }) => {
    const options = run({
      seqUsedK: Int32Array.of(used),
      window: [left, -1] as const,
      numSplits: 1,
    });
    const { dense } = x;
    const result = attentionVjp(dense, dense, dense, options.given);
    options.done();
    return withGradients(result, dense);
  },
  'varlenAttentionVjp, packed': (run, { end, left }) => {
    const cu = Int32Array.of(0, end, 12);
    const lists = { cuSeqlensQ: cu, cuSeqlensK: cu.slice(), seqUsedK: Int32Array.of(1, 12 - end) };
    const options = run({ ...lists, window: [left, 1] as const, sinks: x.perHead, numSplits: 1 });
    const result = varlenAttentionVjp(x.packed, x.packed, x.packed, options.given);
    options.done();
    return withGradients(result, x.packed);
  },
  'varlenAttentionVjp, in pages': (run, { end, used }) => {
    const blockTable = Int32Array.of(3, 1, 0, 2);
    const lists = { cuSeqlensQ: Int32Array.of(0, end, 12), seqUsedK: Int32Array.of(used, 8) };
    const options = run({ ...lists, blockTable, numSplits: 1 });
    const result = varlenAttentionVjp(x.packed, x.pages, x.pages, options.given);
    options.done();
    return withGradients(result, x.packed);
  },
  flexAttentionVjp: (run, { end, left, shift }) => {
    const bound = run({ left });
    const maskMod = bind(near, bound.given);
    bound.done();
    const options = run({
      cuSeqlensQ: Int32Array.of(0, end, 12),
      scoreMod: biased,
      maskMod,
      captures: { bias: x.bias, shift },
      grads: ['bias'],
      numSplits: 1,
    });
    const result = flexAttentionVjp(x.packed, x.packed, x.packed, options.given as object);
    options.done();
    return withGradients(result, x.packed);
  },
  'a plan of flexAttention': (run, { end, left, shift }) => {
    const shape = [12, 2, 8];
    const problem = run({
      layout: 'varlen' as const,
      q: shape,
      k: shape.slice(),
      scoreMod: biased as ScoreMod<Captures>,
      maskMod: near as MaskMod<Captures>,
      captures: { bias: x.bias, left, shift },
      numSplits: 1,
      backward: true as const,
    });
    using plan = planFlexAttention(gpu, problem.given);
    problem.done();
    const tensors = run({
      q: x.packed,
      k: x.packed,
      v: x.packed,
      cuSeqlensQ: Int32Array.of(0, end, 12),
    });
    const result = plan.run(tensors.given);
    tensors.done();
    return withGradients(result, x.packed);
  },
  'a plan of attention': (run, { used, left }) => {
    const problem = run({
      layout: 'dense' as const,
      q: [1, 2, 12, 8],
      k: [1, 2, 12, 8],
      numSplits: 1,
    });
    using plan = planAttention(gpu, problem.given);
    problem.done();
    const { dense } = x;
    const window = [left, 0] as const;
    const tensors = run({ q: dense, k: dense, v: dense, seqUsedK: Int32Array.of(used), window });
    const { out } = plan.run(tensors.given);
    tensors.done();
    return [out];
  },
  createBlockMask: (run, { left, used }) => {
    const captures = { left };
    const o = run({
      Lq: 12,
      Lk: 12,
      B: 1,
      seqUsedK: Int32Array.of(used),
      blockSize: [32, 32] as const,
      captures,
    });
    const mask = createBlockMask(gpu, near, o.given);
    o.done();
    const seqUsedK = Int32Array.of(used);
    const { dense } = x;
    const { out } = flexAttention(dense, dense, dense, { blockMask: mask, seqUsedK, numSplits: 1 });
    const part = flexAttention(dense, dense, dense, {
      blockMask: mask.slice(0, 0, 1),
      seqUsedK,
      numSplits: 1,
    });
    return [out, part.out, mask.kvNumBlocks];
  },
  'BlockMask.fromCuSeqlens': (run, { end, left }) => {
    const cu = run(Int32Array.of(0, end, 12));
    const o = run({ maskMod: near, captures: { left } });
    const blockMask = BlockMask.fromCuSeqlens(gpu, cu.given, o.given);
    cu.done();
    o.done();
    const { dense } = x;
    return [flexAttention(dense, dense, dense, { blockMask, numSplits: 1 }).out];
  },
  'mergeStates and tensors': (run, { end }) => {
    const shape = run([1, 2, 2, 2]);
    const data = [end, 1, 2, 3, 4, 5, 6, 7];
    const options = run({ shape: shape.given, dtype: 'f32' as const, label: 'given' });
    const out = gpu.tensor(data, options.given);
    for (const one of [shape, options]) one.done();
    data.fill(0);
    const lse = gpu.tensor([1, 2, 3, 4], { shape: [1, 2, 2] });
    const states = run([
      { out, lse },
      { out, lse },
    ]);
    const merged = mergeStates(states.given);
    states.done();
    return [out.permute([3, 0, 1, 2]), merged.out, merged.lse];
  },
};

const ways: Readonly<Record<string, Run>> = {
  'are left alone': (argument) => ({ given: argument, done: () => {} }),
  'are written into after the call': (argument) => ({
    given: argument,
    done: () => scribble(argument),
  }),
  'can be read once': (argument) => ({
    given: readableOnce(argument),
    done: () => scribble(argument),
  }),
};

async function bitsOf(outcome: Outcome): Promise<Record<string, Uint32Array>> {
  const tensors: Record<string, Tensor> = {};
  outcome.forEach((one, i) => {
    if (typeof one === 'function') Object.assign(tensors, one());
    else tensors[`result ${i}`] = one;
  });
  const read = Object.entries(tensors).map(
    async ([name, t]) => [name, new Uint32Array((await t.read()).buffer)] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

describe('a call whose arguments are written into has the bits of one whose arguments are not', () => {
  const [alone, ...others] = Object.values(ways) as [Run, ...Run[]];

  // Backward reads its arguments with the same functions, and compiles five kernels.
  const entries = Object.entries(calls).filter(([name]) => isFullRun() || !name.includes('Vjp'));
  it.for(entries)('%s', async ([, call]) => {
    await fc.assert(
      fc.asyncProperty(drawn, async (d) => {
        const wanted = await bitsOf(call(alone, d));
        expect(Object.keys(wanted).length).toBeGreaterThan(0);
        for (const way of others) expect(await bitsOf(call(way, d))).toEqual(wanted);
      }),
      { numRuns: 2, seed: 14 },
    );
  });
});
