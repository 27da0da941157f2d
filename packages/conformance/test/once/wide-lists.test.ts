import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import * as flex from '@heed/flex';
import * as kernels from '@heed/kernels-wgsl';
import * as kvcache from '@heed/kvcache';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let dense: Tensor;
let packed: Tensor;
let pages: Tensor;
let cache: kvcache.PagedKvCache;
beforeAll(async () => {
  gpu = await testGpu();
  dense = gpu.tensor(
    Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)),
    { shape: [2, 1, 4, 8] },
  );
  packed = dense.reshape([8, 1, 8]);
  pages = dense.reshape([2, 4, 1, 8]);
  cache = await kvcache.PagedKvCache.create(gpu, {
    layers: 1,
    kvHeads: 1,
    headDim: 8,
    pageSize: 2,
    pages: 40,
  });
});

type List = Int32Array | BigInt64Array;
type Outcome = Tensor | string | boolean | number | readonly string[];

/** A list that a function takes, and a call with it. */
type Entry = readonly [list: readonly number[], call: (list: never) => Outcome | Promise<Outcome>];

const entry = (
  list: readonly number[],
  call: (list: List) => Outcome | Promise<Outcome>,
): Entry => [list, call];

const problem = { layout: 'dense', q: [2, 1, 4, 8], k: [2, 1, 4, 8] } as const;
const mask: flex.MaskMod = (b, h, q, kv) => q >= kv;
const cu = Int32Array.of(0, 5, 8);
const used = Int32Array.of(3, 4);
const paged = { cuSeqlensQ: cu, align: 'start' } as const;

function rotation(): kvcache.RotaryTables {
  const shape = { shape: [9, 2] };
  const [cos, sin] = [Math.cos, Math.sin].map((f) =>
    gpu.tensor(
      Float32Array.from({ length: 18 }, (_, i) => f(i)),
      shape,
    ),
  );
  return { cos: cos!, sin: sin! };
}

/** Appends rows to two sequences; returns how many each has. */
function appended(cuSeqlens: List): string {
  using a = cache.open();
  using b = cache.open();
  cache.append(0, [a, b], packed, packed, { cuSeqlens });
  return `${a.length}, ${b.length}`;
}

/** Commits a prompt; returns how many of its tokens are found. */
function committed(tokens: kvcache.TokenIds): number {
  using sequence = cache.open();
  cache.append(0, [sequence], packed, packed);
  sequence.commit(tokens);
  using found = cache.open({ tokens: Int32Array.of(5, 6, 7, 8, 9, 10, 11, 12, 13) });
  return found.cachedTokens;
}

const prompt = [5, 6, 7, 8, 9, 10, 11, 12];

const lists: Readonly<Record<string, Entry>> = {
  'attention: seqUsedK': entry(
    [3, 4],
    (seqUsedK) => kernels.attention(dense, dense, dense, { seqUsedK }).out,
  ),
  'varlenAttention: cuSeqlensQ': entry(
    [0, 5, 8],
    (cuSeqlensQ) => kernels.varlenAttention(packed, packed, packed, { cuSeqlensQ }).out,
  ),
  'varlenAttention: cuSeqlensK': entry(
    [0, 4, 8],
    (cuSeqlensK) =>
      kernels.varlenAttention(packed, packed, packed, { cuSeqlensQ: cu, cuSeqlensK }).out,
  ),
  'varlenAttention: seqUsedK': entry(
    [2, 3],
    (seqUsedK) => kernels.varlenAttention(packed, packed, packed, { cuSeqlensQ: cu, seqUsedK }).out,
  ),
  'varlenAttention: seqUsedK of pages': entry([3, 4], (seqUsedK) => {
    const blockTable = Int32Array.of(1, 0);
    return kernels.varlenAttention(packed, pages, pages, { ...paged, seqUsedK, blockTable }).out;
  }),
  'varlenAttention: blockTable': entry(
    [1, 0],
    (blockTable) =>
      kernels.varlenAttention(packed, pages, pages, { ...paged, seqUsedK: used, blockTable }).out,
  ),
  'varlenAttentionVjp: cuSeqlensQ': entry([0, 5, 8], (cuSeqlensQ) => {
    const { out, backward } = kernels.varlenAttentionVjp(packed, packed, packed, { cuSeqlensQ });
    return backward(out).dk;
  }),
  'topKeys: cuSeqlensQ': entry([0, 5, 8], (cuSeqlensQ) =>
    kernels.topKeys(packed, packed, { topK: 2, cuSeqlensQ }),
  ),
  'attentionWeights: seqUsedK': entry([3, 4], (seqUsedK) =>
    kernels.attentionWeights(dense, dense, { seqUsedK }),
  ),
  'keyMass: cuSeqlensQ': entry([0, 5, 8], (cuSeqlensQ) =>
    kernels.keyMass(packed, packed, { cuSeqlensQ }),
  ),
  'plan.run: seqUsedK': entry([3, 4], (seqUsedK) => {
    using plan = kernels.planAttention(gpu, problem);
    return plan.run({ q: dense, k: dense, v: dense, seqUsedK }).out;
  }),
  'flexAttention: seqUsedK': entry(
    [3, 4],
    (seqUsedK) => flex.flexAttention(dense, dense, dense, { maskMod: mask, seqUsedK }).out,
  ),
  'planFlexAttention, run: seqUsedK': entry([3, 4], (seqUsedK) => {
    using plan = flex.planFlexAttention(gpu, { ...problem, maskMod: mask });
    return plan.run({ q: dense, k: dense, v: dense, seqUsedK }).out;
  }),
  'createBlockMask: cuSeqlensQ': entry([0, 50, 80], (cuSeqlensQ) =>
    flex.createBlockMask(gpu, mask, { cuSeqlensQ, blockSize: 32 }).toText(),
  ),
  'createBlockMask: seqUsedK': entry([50, 80], (seqUsedK) =>
    flex.createBlockMask(gpu, mask, { B: 2, Lq: 80, Lk: 80, seqUsedK, blockSize: 32 }).toText(),
  ),
  'BlockMask.fromCuSeqlens': entry([0, 50, 80], (list) =>
    flex.BlockMask.fromCuSeqlens(gpu, list, { blockSize: 32 }).toText(),
  ),
  'gpu.tensor': entry([7, -1], (list) => gpu.tensor(list, { shape: [2] })),
  'cache.append: cuSeqlens': entry([0, 3, 8], appended),
  'cache.canAppend': entry([3], (counts) => {
    using sequence = cache.open();
    return cache.canAppend([sequence], counts);
  }),
  'rotate: positions': entry([0, 1, 2, 3, 4, 5, 6, 8], (positions) =>
    kvcache.rotate(gpu, packed, { ...rotation(), positions }),
  ),
};

/** Token ids are unsigned. */
const tokens: Readonly<Record<string, Entry>> = {
  'cache.open: tokens': entry(prompt, (list) => {
    committed(prompt);
    using sequence = cache.open({ tokens: list });
    return sequence.cachedTokens;
  }),
  'sequence.commit': entry(prompt, committed),
  prefixNames: entry(prompt, (list) => kvcache.prefixNames(list, { pageSize: 2 })),
};

async function valueOf(outcome: Outcome | Promise<Outcome>): Promise<unknown> {
  const value = await outcome;
  return typeof value === 'object' && 'read' in value ? value.read() : value;
}

const wide = (list: readonly (number | bigint)[]): BigInt64Array =>
  BigInt64Array.from(list, BigInt);

// Their kernels differ from those of the other entries.
const isSlow = (name: string): boolean => /Vjp|topKeys|planFlex|Weights|keyMass/.test(name);

describe('a list of 64-bit integers is as one of 32 bits, where its values fit, in', () => {
  const results = async ([list, call]: Entry): Promise<readonly unknown[]> => [
    await valueOf(call(Int32Array.from(list) as never)),
    await valueOf(call(wide(list) as never)),
  ];
  const all = Object.entries({ ...lists, ...tokens });

  it.for(all.filter(([name]) => !isSlow(name)))('%s', async ([, given]) => {
    const [narrow, same] = await results(given);
    expect(same).toEqual(narrow);
  });

  it.for(all.filter(([name]) => isSlow(name)))('%s', { tags: ['full'] }, async ([, given]) => {
    const [narrow, same] = await results(given);
    expect(same).toEqual(narrow);
  });
});

const withLast = (list: readonly number[], last: bigint): BigInt64Array =>
  wide([...list.slice(0, -1), last]);

describe('a value beyond 32 bits is refused, and named, in', () => {
  const beyond = [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 63n - 1n];

  it.for(Object.entries(lists))('%s', async ([, [list, call]]) => {
    for (const value of beyond) {
      const error = await thrownBy(() => call(withLast(list, value) as never));
      expect(error).toBeInstanceOf(ValidationError);
      expect(String(error)).toContain(`${value}`);
    }
  });

  it.for(Object.entries(tokens))('%s', async ([, [list, call]]) => {
    for (const value of [2n ** 32n, -1n, -(2n ** 31n) - 1n, 2n ** 63n - 1n]) {
      const error = await thrownBy(() => call(withLast(list, value) as never));
      expect((error as ValidationError).code).toBe('validation');
      expect(String(error)).toContain(`${value}`);
    }
  });
});

async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error;
  }
}

it('token ids are unsigned, in 64 bits too', () => {
  const ids = [2 ** 31, 2 ** 32 - 1];
  const names = kvcache.prefixNames(ids, { pageSize: 1 });
  expect(kvcache.prefixNames(wide(ids), { pageSize: 1 })).toEqual(names);
  expect(kvcache.prefixNames(BigUint64Array.from(ids, BigInt), { pageSize: 1 })).toEqual(names);
});

it('lengths are signed: other lists are refused with the way to convert them', () => {
  for (const list of [Uint32Array.of(3, 4), BigUint64Array.of(3n, 4n), [3, 4]]) {
    const call = () => kernels.attention(dense, dense, dense, { seqUsedK: list as never });
    expect(call).toThrow('Use Int32Array.from(seqUsedK, Number)');
  }
});
