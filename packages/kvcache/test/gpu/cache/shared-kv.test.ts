import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { pageFormats } from '@heed/core/kernel';
import { varlenAttention } from '@heed/kernels-wgsl';
import { isFullRun, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KvSequence, memoryStore, PagedKvCache } from '../../../src/index.ts';
import { bitsOf } from './toy.ts';

const [kvHeads, qHeads, headDim, headDimV] = [1, 4, 24, 16];
const shape = { layers: 2, kvHeads, headDim, headDimV, pageSize: 4, pages: 12, poison: true };

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const rows = (rng: Rng, count: number, heads: number, dim: number): Tensor =>
  gpu.tensor(rng.normals(count * heads * dim), { shape: [count, heads, dim] });

/** Appends rows to all layers of both caches, to one of them as keys and values of their own. */
function append(
  [shared, apart]: readonly [PagedKvCache, PagedKvCache],
  seqs: readonly [KvSequence, KvSequence],
  k: Tensor,
): void {
  const v = k.slice(-1, 0, headDimV);
  for (const layer of [0, 1]) {
    if (layer === 0) shared.append(layer, [seqs[0]], k);
    else shared.append(layer, [seqs[0]], k, v);
    apart.append(layer, [seqs[1]], k, v);
  }
}

const formats = pageFormats.filter((format) => !format.startsWith('int'));

describe.for(isFullRun() ? formats : formats.slice(0, 2))(
  'a cache of %s with sharedKv',
  (dtype) => {
    it('gives the bits of one that stores values, after forks and truncation, in less memory', async () => {
      const rng = new Rng(9);
      using shared = await PagedKvCache.create(gpu, { ...shape, dtype, sharedKv: true });
      using apart = await PagedKvCache.create(gpu, { ...shape, dtype });
      const caches = [shared, apart] as const;
      expect(shared.stats().bytes / apart.stats().bytes).toBeCloseTo(24 / 40);
      const open = caches.map((cache) => cache.open()) as [KvSequence, KvSequence];
      append(caches, open, rows(rng, 10, kvHeads, headDim));
      const forks = open.map((one) => one.fork()) as [KvSequence, KvSequence];
      for (const one of open) one.truncate(7);
      append(caches, open, rows(rng, 5, kvHeads, headDim));
      append(caches, forks, rows(rng, 1, kvHeads, headDim));
      for (const seqs of [open, forks]) {
        const q = rows(rng, 3, qHeads, headDim);
        const cuSeqlensQ = Int32Array.of(0, 3);
        const [got, want] = caches.map((cache, i) => {
          const view = cache.view(1, [seqs[i]!]);
          expect(view.sharedKv).toBe(i === 0 ? true : undefined);
          return varlenAttention(q, view, { cuSeqlensQ, causal: true }).out;
        }) as [Tensor, Tensor];
        expect(await bitsOf(got)).toEqual(await bitsOf(want));
      }
    });
  },
);

describe('a cache with sharedKv', () => {
  const create = (o: object = {}): Promise<PagedKvCache> =>
    PagedKvCache.create(gpu, { ...shape, dtype: 'int8', sharedKv: true, ...o });

  it('saves and loads its rows, and only into caches of its kind', async () => {
    const rng = new Rng(4);
    const store = memoryStore();
    const tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const q = rows(rng, 1, qHeads, headDim);
    const attended = async (cache: PagedKvCache, one: KvSequence): Promise<Uint32Array> =>
      bitsOf(varlenAttention(q, cache.view(0, [one]), { cuSeqlensQ: Int32Array.of(0, 1) }).out);
    using first = await create();
    const written = first.open();
    const k = rows(rng, 8, kvHeads, headDim);
    for (const layer of [0, 1]) first.append(layer, [written], k);
    written.commit(tokens.slice(0, 8));
    const want = await attended(first, written);
    expect(await first.save(store)).toMatchObject({ saved: 2 });
    using second = await create();
    expect(await second.load(store)).toMatchObject({ loaded: 2 });
    const found = second.open({ tokens });
    expect(found.cachedTokens).toBe(8);
    expect(await attended(second, found)).toEqual(want);
    using other = await create({ sharedKv: false });
    expect(await other.load(store)).toMatchObject({ loaded: 0 });
  });

  it('refuses values of their own, more of them than columns, and a rotation of them', async () => {
    using cache = await create();
    const one = cache.open();
    const k = gpu.empty([1, kvHeads, headDim]);
    const angles = gpu.empty([8, 4]);
    const refused = [
      [() => cache.append(0, [one], k, gpu.empty([1, kvHeads, headDimV])), 'first columns of k'],
      [() => cache.append(0, [one], k, k), 'v must have shape'],
      [
        () => cache.append(0, [one], k, undefined, { rotary: { cos: angles, sin: angles } }),
        'rotary would turn values',
      ],
    ] as const;
    for (const [call, message] of refused) {
      expect(call).toThrow(ValidationError);
      expect(call).toThrow(message);
    }
    expect(one.length).toBe(0);
    await expect(create({ headDimV: 25 })).rejects.toThrow('headDimV may be at most headDim, 24');
    await expect(create({ sharedKv: 1 })).rejects.toThrow('sharedKv must be true or false');
    using plain = await create({ sharedKv: false });
    expect(() => plain.append(0, [plain.open()], k)).toThrow('v must be a Tensor');
  });
});
