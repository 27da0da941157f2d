import * as conformance from '@heed/conformance';
import * as core from '@heed/core';
import { type Gpu, openGpu, type Tensor, ValidationError } from '@heed/core';
import * as flex from '@heed/flex';
import * as kernels from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let x: Tensor;
let packed: Tensor;
let mask: flex.BlockMask;
let plan: kernels.AttentionPlan;
let lists: flex.CallerLists;
const problem = { layout: 'dense', q: [1, 1, 4, 8], k: [1, 1, 4, 8] } as const;
const maskMod: flex.MaskMod = (b, h, q, kv) => q >= kv;
beforeAll(async () => {
  gpu = await testGpu();
  x = gpu.tensor(new Float32Array(32), { shape: [1, 1, 4, 8] });
  packed = x.reshape([4, 1, 8]);
  mask = flex.createBlockMask(gpu, maskMod, { Lq: 4, Lk: 4 });
  plan = kernels.planAttention(gpu, problem);
  const ints = (...shape: number[]): Tensor => gpu.tensor([1], { shape, dtype: 'i32' });
  lists = { kvNumBlocks: ints(1, 1, 1), kvIndices: ints(1, 1, 1, 1) };
});

/** A call whose options are all valid but one. */
type Call = (unknown: object) => unknown;
const cuSeqlensQ = Int32Array.of(0, 4);
const mods = { maskMod };

/**
 * Every public function and method, called with options, or 'none' if it has no options. Of this package only functions with
 * options: the others compute with plain numbers.
 */
const publicFunctions: Readonly<Record<string, Readonly<Record<string, Call | 'none'>>>> = {
  '@heed/core': {
    openGpu: (o) => openGpu(o),
    'Gpu.tensor': (o) => gpu.tensor([1], { shape: [1], ...o }),
    'Gpu.empty': (o) => gpu.empty([1], o),
    'Gpu.wrap': (o) => gpu.wrap(x.buffer, { shape: [1], dtype: 'f32', ...o }),
    'Gpu.fromBytes': (o) => gpu.fromBytes(new Uint8Array(4), { shape: [1], dtype: 'f32', ...o }),
    'Gpu.batch': 'none',
    'Gpu.scope': 'none',
    'Gpu.memory': 'none',
    'Gpu.settled': 'none',
    'Gpu.profile': 'none',
    'Gpu.dispose': 'none',
    'Tensor.read': (o) => x.read(o),
    'Tensor.permute': 'none',
    'Tensor.slice': 'none',
    'Tensor.reshape': 'none',
    'Tensor.dispose': 'none',
  },
  '@heed/kernels-wgsl': {
    attention: (o) => kernels.attention(x, x, x, o),
    attentionVjp: (o) => kernels.attentionVjp(x, x, x, o),
    varlenAttention: (o) => kernels.varlenAttention(packed, packed, packed, { cuSeqlensQ, ...o }),
    varlenAttentionVjp: (o) =>
      kernels.varlenAttentionVjp(packed, packed, packed, { cuSeqlensQ, ...o }),
    topKeys: (o) => kernels.topKeys(x, x, { topK: 1, ...o }),
    attentionWeights: (o) => kernels.attentionWeights(x, x, o),
    keyMass: (o) => kernels.keyMass(x, x, o),
    planAttention: (o) => kernels.planAttention(gpu, { ...problem, ...o }),
    'AttentionPlan.run': (o) => plan.run({ q: x, k: x, v: x, ...o }),
    'AttentionPlan.encode': (o) => plan.encode({} as never, { q: x, k: x, v: x, ...o }),
    'AttentionPlan.record': (o) => plan.record({ q: x, k: x, v: x, ...o }),
    'AttentionPlan.warmup': (o) => plan.warmup(o),
    'AttentionPlan.describe': 'none',
    'AttentionPlan.dispose': 'none',
    tune: (o) => kernels.tune(gpu, [], o),
    tuneCandidates: (o) => kernels.tuneCandidates(gpu, { ...problem, ...o }),
    // Takes results of attention, which have more fields than it reads.
    mergeStates: 'none',
  },
  '@heed/flex': {
    flexAttention: (o) => flex.flexAttention(x, x, x, { ...mods, ...o }),
    flexAttentionVjp: (o) => flex.flexAttentionVjp(x, x, x, { ...mods, ...o }),
    planFlexAttention: (o) => flex.planFlexAttention(gpu, { ...problem, ...mods, ...o }),
    tunable: (o) => flex.tunable({ ...problem, ...mods, ...o }),
    topKeys: (o) => flex.topKeys(x, x, { topK: 1, ...mods, ...o }),
    attentionWeights: (o) => flex.attentionWeights(x, x, { ...mods, ...o }),
    keyMass: (o) => flex.keyMass(x, x, { ...mods, ...o }),
    createBlockMask: (o) => flex.createBlockMask(gpu, maskMod, { Lq: 4, Lk: 4, ...o }),
    compileMod: (o) => flex.compileMod(maskMod, {}, o),
    'BlockMask.fromCuSeqlens': (o) => flex.BlockMask.fromCuSeqlens(gpu, cuSeqlensQ, o),
    'BlockMask.fromBlocks': (o) => flex.BlockMask.fromBlocks(gpu, lists, { Lq: 4, Lk: 4, ...o }),
    'BlockMask.sparsity': (o) => mask.sparsity(o),
    'BlockMask.toDense': (o) => mask.toDense(o),
    'BlockMask.toText': (o) => mask.toText(o),
    'BlockMask.slice': 'none',
    'BlockMask.explain': 'none',
    'BlockMask.dispose': 'none',
    andMasks: 'none',
    orMasks: 'none',
    notMask: 'none',
    // The caller chooses the names.
    bind: 'none',
    f32: 'none',
    i32: 'none',
  },
  '@heed/conformance': {
    runConformance: (o) => conformance.runConformance(gpu, { filter: 'no such case', ...o }),
    selectCases: (o) => conformance.selectCases(o),
    gradcheck: (o) => conformance.gradcheck(flex.flexAttentionVjp, { q: x, k: x, v: x, ...o }),
  },
};

/** Returns the methods of an object. */
function methodsOf(prototype: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
    .map(([name]) => name);
}

const functionsOf = (module: object): string[] =>
  Object.entries(module)
    .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(String(value)))
    .map(([name]) => name);

const of = (name: string, methods: readonly string[]): string[] =>
  methods.map((method) => `${name}.${method}`);

/** Returns all functions and methods of the modules. */
const found: Readonly<Record<string, () => string[]>> = {
  '@heed/core': () => [
    ...functionsOf(core),
    ...of('Gpu', methodsOf(Object.getPrototypeOf(gpu) as object)),
    ...of('Tensor', methodsOf(Object.getPrototypeOf(x) as object)),
  ],
  '@heed/kernels-wgsl': () => [...functionsOf(kernels), ...of('AttentionPlan', methodsOf(plan))],
  '@heed/flex': () => [
    ...functionsOf(flex),
    ...of('BlockMask', methodsOf(flex.BlockMask.prototype)),
    ...of('BlockMask', methodsOf(flex.BlockMask)),
  ],
};

it.for(Object.entries(found))(
  'every function of %s is listed here, with its options or none',
  ([name, names]) => {
    expect(names().toSorted()).toEqual(Object.keys(publicFunctions[name]!).toSorted());
  },
);

describe.for(Object.entries(publicFunctions))('of %s', ([, functions]) => {
  const calls = Object.entries(functions).flatMap(([fn, call]) =>
    call === 'none' ? [] : [[fn, call] as const],
  );
  it.for(calls)('%s refuses an option that it does not have', async ([, call]) => {
    const refused = async (unknown: object): Promise<unknown> => {
      try {
        await call(unknown);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const error = await refused({ noSuchOption: 7 });
    expect(error).toBeInstanceOf(ValidationError);
    expect(String(error)).toMatch(/there is no noSuchOption in \w+; got 7\. .*There (are|is) /);
  });
});

it('an option that is undefined is absent', async () => {
  const absent = { isCausal: undefined, mask_mod: undefined };
  expect(kernels.attention(x, x, x, absent as object).out.shape).toEqual([1, 1, 4, 8]);
  expect(flex.flexAttention(x, x, x, absent as object).out.shape).toEqual([1, 1, 4, 8]);
  expect((await x.read(absent as object)).length).toBe(32);
});
