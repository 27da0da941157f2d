import { type Gpu, ValidationError } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { packPages, unpackPages } from '../../../src/kernels/packed-pages.ts';
import { copyPages, poisonPages } from '../../../src/kernels/page-edits.ts';
import { largestPageCount, type Pool, tryCreatePools } from '../../../src/kernels/page-pools.ts';
import { pageBytes, type PageGeometry, pageWords } from '../../../src/pages/page-geometry.ts';
import { geometryOf, type HostPool, poolsOf, wordsOf } from './host-pools.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

async function createPools(geometry: PageGeometry, pages: number): Promise<Pool[]> {
  return (await tryCreatePools('test', gpu, geometry, pages))!;
}

describe('pools', () => {
  it('have a tensor of keys and one of values per layer, rows on whole words', async () => {
    const geometry = geometryOf('f16', [7, 4], [3, 2], 2);
    const pools = await createPools(geometry, 5);
    expect(pools.map(({ k }) => k.shape)).toEqual([
      [5, 3, 2, 7],
      [5, 3, 2, 7],
    ]);
    expect(pools.map(({ v }) => v.shape)).toEqual([
      [5, 3, 2, 4],
      [5, 3, 2, 4],
    ]);
    expect(pools[1]!.k.strides).toEqual([48, 16, 8, 1]);
    expect(pools[1]!.v.strides).toEqual([24, 8, 4, 1]);
    expect(new Set(pools.flatMap(({ k, v }) => [k.buffer, v.buffer])).size).toBe(4);
    const bytes = pools.reduce((sum, { k, v }) => sum + k.buffer.size + v.buffer.size, 0);
    expect(bytes).toBe(5 * pageBytes(geometry));
    expect(pageBytes(geometry)).toBe(2 * (48 + 24) * 2);
  });

  it('of quantised pages are words: a scale, then packed integers', async () => {
    const [int8] = await createPools(geometryOf('int8', [129, 4], [1, 1]), 2);
    const [int4] = await createPools(geometryOf('int4', [129, 8], [1, 1]), 2);
    expect([int8!.k.shape, int8!.v.shape]).toEqual([
      [2, 1, 1, 34],
      [2, 1, 1, 2],
    ]);
    expect([int4!.k.shape, int4!.v.shape]).toEqual([
      [2, 1, 1, 18],
      [2, 1, 1, 2],
    ]);
    expect(int8!.k.dtype).toBe('u32');
  });

  it('give their memory back', async () => {
    const geometry = geometryOf('f16', [7, 4], [3, 2]);
    const [{ k }] = (await createPools(geometry, 5)) as [Pool];
    k.dispose();
    expect(() => k.buffer).toThrow('disposed');
  });

  it('have at most as many pages as one binding holds', () => {
    const geometry = geometryOf('f32', [64, 128], [16, 8]);
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    const page = 16 * 8 * 128 * 4;
    expect(largestPageCount(gpu, geometry)).toBe(
      Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / page),
    );
  });

  it('number slots in 31 bits', () => {
    const geometry = geometryOf('int4', [1, 1], [2 ** 30, 1]);
    expect(largestPageCount(gpu, geometry)).toBeLessThanOrEqual(1);
  });
});

const geometries: readonly PageGeometry[] = [
  geometryOf('f32', [64, 3], [3, 2], 2),
  geometryOf('f16', [7, 129], [3, 1], 2),
  geometryOf('f16', [80, 1], [1, 2], 3),
  geometryOf('int8', [64, 7], [16, 2], 1),
  geometryOf('int4', [129, 80], [3, 2], 2),
];

const name = (g: PageGeometry): string =>
  `${g.format} [${g.headDim}, ${g.headDimV}], ${g.layers} layers of pages of ${g.pageSize}`;

const each = geometries.map((geometry) => ({ geometry, name: name(geometry) }));
const pages = 9;

/** Returns different words, among them NaNs of every kind. */
const anyWord = (seed: number) => {
  const rng = new Rng(seed);
  return (): number => (rng.next() < 0.1 ? 0xffc0ffee : Math.floor(rng.next() * 2 ** 32));
};

const pageOf = ({ words }: HostPool, page: number): Uint32Array => {
  const size = words.length / pages;
  return words.subarray(page * size, (page + 1) * size);
};

describe.for(each)('$name', { tags: ['device'] }, ({ geometry }) => {
  it('copies pages bit by bit, and touches no other', async () => {
    const { pools, hosts } = await poolsOf(gpu, geometry, pages, anyWord(1));
    const last = geometry.layers - 1;
    copyPages(gpu, geometry, pools[last]!, Int32Array.of(8, 0, 3, 5, 3, 1));
    for (const [from, to] of [
      [8, 0],
      [3, 5],
      [3, 1],
    ] as const) {
      for (const x of ['k', 'v'] as const) {
        const host = hosts[last]![x];
        pageOf(host, to).set(pageOf(host, from));
      }
    }
    for (const [layer, pool] of pools.entries()) {
      for (const x of ['k', 'v'] as const) {
        const { words } = hosts[layer]![x];
        expect(await wordsOf(gpu, pool[x], words.length)).toEqual(words);
      }
    }
  });

  it('poisons pages, and no other', async () => {
    const { pools, hosts } = await poolsOf(gpu, geometry, pages, anyWord(2));
    poisonPages(gpu, geometry, pools[0]!, Int32Array.of(7, 0));
    for (const x of ['k', 'v'] as const) {
      const host = hosts[0]![x];
      for (const page of [7, 0]) {
        pageOf(host, page).fill(geometry.format === 'f16' ? 0x7e007e00 : 0x7fc00000);
      }
      expect(await wordsOf(gpu, pools[0]![x], host.words.length)).toEqual(host.words);
    }
    if (geometry.format === 'f32' || geometry.format === 'f16') {
      const read = await pools[0]!.k.slice(0, 7, 8).read();
      expect(read.every((x) => Number.isNaN(x))).toBe(true);
    }
  });

  it('packs pages in one layout on every device, and unpacks them elsewhere', async () => {
    const { pools, hosts } = await poolsOf(gpu, geometry, pages, anyWord(3));
    const list = Int32Array.of(6, 2, 7);
    const packed = packPages(gpu, geometry, pools, list);
    expect(packed.shape).toEqual([3, pageBytes(geometry) / 4]);
    const want = [...list].flatMap((page) =>
      hosts.flatMap(({ k, v }) => [
        ...withZeroHalves(geometry, 'k', pageOf(k, page)),
        ...withZeroHalves(geometry, 'v', pageOf(v, page)),
      ]),
    );
    expect(await packed.read()).toEqual(Uint32Array.from(want));

    const other = await poolsOf(gpu, geometry, pages, anyWord(4));
    const target = Int32Array.of(0, 8);
    unpackPages(gpu, geometry, other.pools, target, packed.slice(0, 1, 3));
    const again = packPages(gpu, geometry, other.pools, target);
    const words = pageBytes(geometry) / 4;
    expect(await again.read()).toEqual(Uint32Array.from(want.slice(words)));
    for (const [layer, pool] of other.pools.entries()) {
      for (const x of ['k', 'v'] as const) {
        const host = other.hosts[layer]![x];
        for (const [i, page] of [
          [1, 0],
          [2, 8],
        ] as const) {
          const bits = withZeroHalves(geometry, x, pageOf(hosts[layer]![x], list[i]!));
          pageOf(host, page).set(bits);
        }
        expect(await wordsOf(gpu, pool[x], host.words.length)).toEqual(host.words);
      }
    }
  });
});

/** Returns a page with the unused half word of every odd f16 row cleared. */
function withZeroHalves(geometry: PageGeometry, x: 'k' | 'v', page: Uint32Array): Uint32Array {
  const dim = x === 'k' ? geometry.headDim : geometry.headDimV;
  if (geometry.format !== 'f16' || dim % 2 === 0) return page;
  const row = (dim + 1) / 2;
  return page.map((word, i) => (i % row === row - 1 ? word & 0xffff : word));
}

describe('of no page', () => {
  const geometry = geometryOf('f16', [8, 8], [2, 1]);

  it('nothing is done', async () => {
    const { pools } = await poolsOf(gpu, geometry, 2);
    const none = new Int32Array();
    copyPages(gpu, geometry, pools[0]!, none);
    poisonPages(gpu, geometry, pools[0]!, none);
    const packed = packPages(gpu, geometry, pools, none);
    expect(packed.shape).toEqual([0, 16]);
    unpackPages(gpu, geometry, pools, none, packed);
    await gpu.settled();
  });
});

describe('unpackPages', () => {
  it('refuses words of another geometry or count', async () => {
    const geometry = geometryOf('f16', [8, 8], [2, 1]);
    const { pools } = await poolsOf(gpu, geometry, 2);
    const { k, v } = pageWords(geometry);
    const call = (shape: number[]) => (): void =>
      unpackPages(gpu, geometry, pools, Int32Array.of(1), gpu.empty(shape, { dtype: 'u32' }));
    expect(call([1, k + v + 1])).toThrow(ValidationError);
    expect(call([2, k + v])).toThrow('unpackPages: packed must be [1,16]');
  });
});
