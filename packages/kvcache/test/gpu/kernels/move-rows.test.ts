import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bindMoves, moveRows } from '../../../src/kernels/move-rows.ts';
import type { PageGeometry } from '../../../src/pages/page-geometry.ts';
import { geometryOf, type HostPool, poolsOf, wordsOf } from './host-pools.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const pages = 40;

const geometries: readonly PageGeometry[] = [
  geometryOf('f32', [64, 3], [3, 2], 2),
  geometryOf('f16', [7, 129], [5, 1]),
  geometryOf('bf16', [6, 1], [16, 3]),
  { ...geometryOf('f16', [12, 20], [4, 2]), formatV: 'int8' },
  geometryOf('int8', [64, 7], [4, 2]),
  geometryOf('int4', [129, 80], [1, 2]),
  { ...geometryOf('f16', [10, 4], [7, 3]), sharedKv: true },
];

const anyWord = (seed: number): (() => number) => {
  const rng = new Rng(seed);
  return () => Math.floor(rng.next() * 2 ** 32);
};

/** Makes the moves one after another, as the kernel's contract says. */
function moveOnHost({ words }: HostPool, slots: Int32Array, slotCount: number): void {
  const size = words.length / slotCount;
  for (let i = 0; i < slots.length; i += 2) {
    words.copyWithin(slots[i + 1]! * size, slots[i]! * size, (slots[i]! + 1) * size);
  }
}

/** Slots of a sequence whose pages lie anywhere, of which any rows stay: later rows move up, into its own pages or new ones. */
const anyKeep = (slotCount: number): fc.Arbitrary<Int32Array> =>
  fc
    .record({
      order: fc.shuffledSubarray(
        Array.from({ length: slotCount }, (_, i) => i),
        {
          minLength: slotCount,
        },
      ),
      length: fc.nat({ max: slotCount }),
      drop: fc.oneof(fc.constant(1), fc.nat({ max: 100 })),
      seed: fc.nat(),
      isCopied: fc.boolean(),
    })
    .map(({ order, length, drop, seed, isCopied }) => {
      const rng = new Rng(seed);
      const rows = Array.from({ length: isCopied ? Math.floor(length / 2) : length }, (_, i) => i);
      const first = rng.int(0, rows.length);
      const kept = rows.filter((row) => row !== first && (row < first || rng.int(1, 100) > drop));
      const target = (i: number): number => order[isCopied ? order.length - 1 - i : i]!;
      return Int32Array.from(kept.flatMap((row, i) => [order[row]!, target(i)]));
    });

const name = (g: PageGeometry): string =>
  `${g.format} [${g.headDim}, ${g.headDimV}]${g.formatV ? `, values ${g.formatV}` : ''}${g.sharedKv ? ', shared' : ''}`;

it('more rows than one dispatch takes move up by one', async () => {
  const geometry = geometryOf('f16', [2, 2], [512, 1]);
  const slotCount = 140 * 512;
  const { pools, hosts } = await poolsOf(gpu, geometry, 140, anyWord(2));
  const slots = Int32Array.from({ length: 2 * slotCount - 2 }, (_, i) =>
    i % 2 === 0 ? i / 2 + 1 : (i - 1) / 2,
  );
  gpu.batch(() => moveRows(gpu, geometry, pools[0]!, bindMoves(gpu, slots)));
  for (const x of ['k', 'v'] as const) {
    const { words } = hosts[0]![x];
    words.copyWithin(0, 1);
    expect(await wordsOf(gpu, pools[0]![x], words.length)).toEqual(words);
  }
});

describe.for(geometries.map((geometry) => [name(geometry), geometry] as const))(
  'of %s',
  { tags: ['device'] },
  ([, geometry]) => {
    it('rows move bit for bit, in order, and no other word changes', async () => {
      const slotCount = pages * geometry.pageSize;
      const names = geometry.sharedKv ? (['k'] as const) : (['k', 'v'] as const);
      const property = fc.asyncProperty(anyKeep(slotCount), async (slots) => {
        const { pools, hosts } = await poolsOf(gpu, geometry, pages, anyWord(1));
        gpu.batch(() => moveRows(gpu, geometry, pools.at(-1)!, bindMoves(gpu, slots)));
        for (const x of names) moveOnHost(hosts.at(-1)![x], slots, slotCount);
        for (const [layer, pool] of pools.entries()) {
          for (const x of names) {
            const { words } = hosts[layer]![x];
            expect(await wordsOf(gpu, pool[x], words.length)).toEqual(words);
          }
        }
        for (const { k, v } of pools) for (const t of [k, v]) t.dispose();
      });
      await fc.assert(property, { seed: 3, numRuns: 8, endOnFailure: true });
    });
  },
);
