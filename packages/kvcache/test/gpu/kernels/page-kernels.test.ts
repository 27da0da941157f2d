import { type Gpu, ValidationError } from '@heed/core';
import { isQuantised } from '@heed/core/kernel';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type GroupPools,
  type PackedRun,
  packPages,
  unpackPages,
} from '../../../src/kernels/packed-pages.ts';
import { copyPages, poisonPages } from '../../../src/kernels/page-edits.ts';
import { largestBlockCount, type Pool, tryCreatePools } from '../../../src/kernels/page-pools.ts';
import { pageBytes, type PageGeometry } from '../../../src/pages/page-geometry.ts';
import { geometryOf, type HostPool, plainLayout, poolsOf, wordsOf } from './host-pools.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

async function createPools(geometry: PageGeometry, pages: number): Promise<Pool[]> {
  return (await tryCreatePools('test', gpu, plainLayout(geometry), pages))!;
}

const groupOf = (geometry: PageGeometry, pools: readonly Pool[]): GroupPools => {
  return { geometry, pools, layersOfRun: pools.length };
};

const packedRun = (
  geometry: PageGeometry,
  pools: readonly Pool[],
  pages: readonly number[],
): PackedRun => ({ group: groupOf(geometry, pools), pages: pages.map((page) => [page]) });

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
    expect(largestBlockCount(gpu, plainLayout(geometry))).toBe(
      Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / page),
    );
  });

  it('number slots in 31 bits', () => {
    const geometry = geometryOf('int4', [1, 1], [2 ** 30, 1]);
    expect(largestBlockCount(gpu, plainLayout(geometry))).toBeLessThanOrEqual(1);
  });
});

const geometries: readonly PageGeometry[] = [
  geometryOf('f32', [64, 3], [3, 2], 2),
  geometryOf('f16', [7, 129], [3, 1], 2),
  geometryOf('f16', [80, 1], [1, 2], 3),
  geometryOf('bf16', [7, 4], [3, 2], 1),
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
        pageOf(host, page).fill(0x7fc07fc0);
      }
      expect(await wordsOf(gpu, pools[0]![x], host.words.length)).toEqual(host.words);
    }
    if (!isQuantised(geometry.format)) {
      const read = await pools[0]!.k.slice(0, 7, 8).read();
      expect(read.every((x) => Number.isNaN(x))).toBe(true);
    }
  });

  it('packs runs of pages in one layout on every device, and unpacks them elsewhere', async () => {
    const { pools, hosts } = await poolsOf(gpu, geometry, pages, anyWord(3));
    const runs = [[6], [2, 3, 7]] as const;
    const packed = packPages(
      gpu,
      runs.map((run) => packedRun(geometry, pools, run)),
    );
    const want = runs.flatMap((run) =>
      hosts.flatMap(({ k, v }) =>
        [k, v].flatMap((host) => run.flatMap((page) => [...pageOf(host, page)])),
      ),
    );
    const words = await packed.read();
    expect(words).toEqual(Uint32Array.from(want));
    expect(words.byteLength).toBe(4 * pageBytes(geometry));

    const other = await poolsOf(gpu, geometry, pages, anyWord(4));
    const bytes = new Uint8Array(words.buffer, words.byteOffset + pageBytes(geometry));
    unpackPages(gpu, groupOf(geometry, other.pools), [[0], undefined, [8]], bytes);
    for (const [layer, pool] of other.pools.entries()) {
      for (const x of ['k', 'v'] as const) {
        const host = other.hosts[layer]![x];
        pageOf(host, 0).set(pageOf(hosts[layer]![x], 2));
        pageOf(host, 8).set(pageOf(hosts[layer]![x], 7));
        expect(await wordsOf(gpu, pool[x], host.words.length)).toEqual(host.words);
      }
    }
  });

  it('packs what was written before, also in an open batch', async () => {
    const { pools, hosts } = await poolsOf(gpu, geometry, pages, anyWord(5));
    const packed = gpu.batch(() => {
      for (const pool of pools) copyPages(gpu, geometry, pool, Int32Array.of(4, 1));
      const at = packPages(gpu, [packedRun(geometry, pools, [1])]);
      for (const pool of pools) copyPages(gpu, geometry, pool, Int32Array.of(5, 1));
      return at;
    });
    const want = hosts.flatMap(({ k, v }) => [...pageOf(k, 4), ...pageOf(v, 4)]);
    expect(await packed.read()).toEqual(Uint32Array.from(want));
  });
});

describe('of no page', () => {
  const geometry = geometryOf('f16', [8, 8], [2, 1]);

  it('nothing is done', async () => {
    const { pools } = await poolsOf(gpu, geometry, 2);
    const none = new Int32Array();
    copyPages(gpu, geometry, pools[0]!, none);
    poisonPages(gpu, geometry, pools[0]!, none);
    expect(packPages(gpu, []).shape).toEqual([0]);
    unpackPages(gpu, groupOf(geometry, pools), [], new Uint8Array());
    unpackPages(gpu, groupOf(geometry, pools), [undefined], new Uint8Array(pageBytes(geometry)));
    await gpu.settled();
  });
});

it('unpackPages refuses bytes of another geometry or count', async () => {
  const geometry = geometryOf('f16', [8, 8], [2, 1]);
  const { pools } = await poolsOf(gpu, geometry, 2);
  const call = (): void => unpackPages(gpu, groupOf(geometry, pools), [[1]], new Uint8Array(68));
  expect(call).toThrow(ValidationError);
  expect(call).toThrow('[16] u32 is 64 bytes; got 68 bytes');
});
