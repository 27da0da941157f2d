import type { Gpu, Tensor } from '@heed/core';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  andMasks,
  bind,
  type BlockClasses,
  type BlockMask,
  createBlockMask,
  type MaskMod,
  notMask,
  orMasks,
} from '../../src/index.ts';
import { causal, prefixLm, slidingWindow } from '../../src/masks/index.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Blocks that differ by batch entry, head, row and column: full ones, partial ones, and rows without any. */
const byHead: MaskMod<{ width: number }> = (b, h, q, kv, { width }) =>
  q >= 32 * b && q - kv <= width * (h + 1) && kv - q <= 40 * b;

/** The list of one class by rows of blocks, or by columns, from the classes themselves. */
function listed(
  { shape: [B, H, rows, columns], classes }: BlockClasses,
  wanted: number,
  isTransposed: boolean,
): { counts: number[]; indices: number[] } {
  const [lists, entries] = isTransposed ? [columns, rows] : [rows, columns];
  const [counts, indices]: [number[], number[]] = [[], []];
  for (let plane = 0; plane < B * H; plane++) {
    for (let list = 0; list < lists; list++) {
      const classAt = (i: number): number => {
        const [row, column] = isTransposed ? [i, list] : [list, i];
        return classes[(plane * rows + row) * columns + column]!;
      };
      const found = Array.from({ length: entries }, (_, i) => i).filter(
        (i) => classAt(i) === wanted,
      );
      counts.push(found.length);
      indices.push(...found, ...Array.from({ length: entries - found.length }, () => -1));
    }
  }
  return { counts, indices };
}

const kinds = [
  ['kv', 1, false],
  ['fullKv', 2, false],
  ['q', 1, true],
  ['fullQ', 2, true],
] as const;

const lengths = {
  cuSeqlensQ: Int32Array.of(0, 70, 70, 133),
  cuSeqlensK: Int32Array.of(0, 33, 90, 300),
} as const;

describe('the lists of blocks', () => {
  it.for([
    ['dense', { B: 2, H: 3, Lq: 130, Lk: 200, blockSize: 32 }],
    ['more than 32 columns', { B: 1, H: 2, Lq: 40, Lk: 1100, blockSize: 32, align: 'start' }],
    [
      'used keys',
      { B: 3, H: 1, Lq: 70, Lk: 100, blockSize: 32, seqUsedK: Int32Array.of(0, 100, 33) },
    ],
    ['packed', { ...lengths, H: 2, blockSize: 32 }],
    ['oblong blocks', { B: 2, H: 1, Lq: 170, Lk: 290, blockSize: [32, 96] }],
  ] as const)('are the classes of toDense(), %s', async ([, options]) => {
    const captures = { width: 40 };
    using mask = createBlockMask(gpu, byHead, { ...options, captures });
    const classes = await mask.toDense();
    const [B, H, rows, columns] = mask.shape;
    expect(classes.shape).toEqual([B, H, rows, columns]);
    expect(new Set(classes.classes).size).toBeGreaterThan(1);
    for (const [kind, wanted, isTransposed] of kinds) {
      const want = listed(classes, wanted, isTransposed);
      const counts = mask[`${kind}NumBlocks`];
      const indices = mask[`${kind}Indices`];
      const [lists, entries] = isTransposed ? [columns, rows] : [rows, columns];
      expect([counts.dtype, indices.dtype]).toEqual(['i32', 'i32']);
      expect(counts.shape).toEqual([B, H, lists]);
      expect(indices.shape).toEqual([B, H, lists, entries]);
      expect([...(await counts.read())], `${kind}NumBlocks`).toEqual(want.counts);
      expect([...(await indices.read())], `${kind}Indices`).toEqual(want.indices);
    }
  });

  it('are made once, and freed with the mask', () => {
    const mask = createBlockMask(gpu, causal, { Lq: 64, Lk: 64, blockSize: 32 });
    const lists: Tensor[] = [mask.kvNumBlocks, mask.kvIndices, mask.fullQIndices];
    expect([mask.kvNumBlocks, mask.kvIndices, mask.fullQIndices]).toEqual(lists);
    mask.dispose();
    for (const list of lists) expect(() => list.slice(0, 0, 1)).toThrow(/dispose/);
    expect(() => mask.kvNumBlocks).toThrow(/dispose/);
    mask.dispose();
  });

  it('outlive a scope that made them first, and are disposed with a mask of its own', () => {
    const { tensors } = gpu.memory();
    const options = { Lq: 64, Lk: 64, blockSize: 32 };
    const mask = createBlockMask(gpu, causal, options);
    gpu.scope(() => void mask.kvIndices);
    mask.kvIndices.slice(0, 0, 1);
    mask.dispose();
    gpu.scope(() => void createBlockMask(gpu, causal, options).kvIndices);
    expect(gpu.memory().tensors).toBe(tensors);
    const { kept } = gpu.scope(() => ({ kept: createBlockMask(gpu, causal, options) }));
    kept.kvIndices.slice(0, 0, 1);
    kept.dispose();
    expect(gpu.memory().tensors).toBe(tensors);
  });

  it('of nothing are empty', async () => {
    using mask = createBlockMask(gpu, causal, { Lq: 0, Lk: 64 });
    expect(mask.shape).toEqual([1, 1, 0, 1]);
    expect([...(await mask.kvIndices.read())]).toEqual([]);
    expect(await mask.sparsity()).toBe(0);
    using keyless = createBlockMask(gpu, causal, { Lq: 64, Lk: 0, blockSize: 32 });
    expect(keyless.shape).toEqual([1, 1, 2, 0]);
    expect([...(await keyless.kvNumBlocks.read())]).toEqual([0, 0]);
    expect((await keyless.toDense()).total).toBe(0);
  });
});

const text = (mask: BlockMask, o?: { maxColumns?: number }): Promise<string> => mask.toText(o);

describe('sparsity() and toText()', () => {
  it('of causal', async () => {
    using mask = createBlockMask(gpu, causal, { Lq: 640, Lk: 640 });
    expect(mask.blockSize).toEqual([128, 128]);
    expect(await mask.sparsity()).toBeCloseTo(10 / 25, 12);
    expect(await text(mask)).toMatchInlineSnapshot(`
      "▒····
      █▒···
      ██▒··
      ███▒·
      ████▒"
    `);
  });

  it('of a window with fewer keys than rows: the first rows see nothing', async () => {
    const options = { Lq: 320, Lk: 192, blockSize: 32, captures: { window: 40 } };
    using mask = createBlockMask(gpu, slidingWindow, options);
    expect(await text(mask)).toMatchInlineSnapshot(`
      "······
      ······
      ······
      ······
      ▒·····
      ▒▒····
      ▒▒▒···
      ·▒▒▒··
      ··▒▒▒·
      ···▒▒▒"
    `);
  });

  it('of several batch entries and heads, and of more than anybody looks at', async () => {
    const options = { B: 2, H: 3, Lq: 96, Lk: 128, blockSize: 32, captures: { width: 20 } };
    using mask = createBlockMask(gpu, byHead, options);
    expect(await text(mask)).toMatchInlineSnapshot(`
      "batch 0, head 0
      ▒▒··
      ·▒▒·
      ··▒▒

      batch 0, head 1
      ▒▒··
      ▒▒▒·
      ·▒▒▒

      batch 0, head 2
      ▒▒··
      ▒▒▒·
      ·▒▒▒

      batch 1, head 0
      ▒▒▒▒
      ·▒▒▒
      ··▒▒

      and 2 more"
    `);
  });

  it('of packed sequences: blank where there is no block', async () => {
    using mask = createBlockMask(gpu, causal, { ...lengths, blockSize: 32 });
    expect(await text(mask)).toMatchInlineSnapshot(`
      "··
      ▒·
      ▒▒

      ████▒▒·
      █████▒▒

      "
    `);
  });

  it('of a large mask is scaled down', async () => {
    const options = { Lq: 8192, Lk: 8192, captures: { window: 1000 } };
    using mask = createBlockMask(gpu, slidingWindow, options);
    expect(await text(mask, { maxColumns: 16 })).toMatchInlineSnapshot(`
      "▒···············
      ▒▒··············
      ▒▒▒·············
      ·▒▒▒············
      ··▒▒▒···········
      ···▒▒▒··········
      ····▒▒▒·········
      ·····▒▒▒········
      ······▒▒▒·······
      ·······▒▒▒······
      ········▒▒▒·····
      ·········▒▒▒····
      ··········▒▒▒···
      ···········▒▒▒··
      ············▒▒▒·
      ·············▒▒▒"
    `);
  });
});

describe('masks that are put together', () => {
  const options = { B: 2, Lq: 160, Lk: 160, blockSize: 32 } as const;

  it('have the blocks of their parts, each with its own scope', async () => {
    const prefix = gpu.tensor([64, 100], { shape: [2], dtype: 'i32' });
    const near = bind(slidingWindow, { window: 30 });
    const far = bind(slidingWindow, { window: 70 });
    const lm = bind(prefixLm, { prefix });
    using both = createBlockMask(gpu, andMasks(far, notMask(near)), options);
    using either = createBlockMask(gpu, orMasks(near, lm), options);
    expect(await text(both)).toMatchInlineSnapshot(`
      "batch 0, head 0
      ▒····
      ▒▒···
      ▒▒▒··
      ▒▒▒▒·
      ·▒▒▒▒

      batch 1, head 0
      ▒····
      ▒▒···
      ▒▒▒··
      ▒▒▒▒·
      ·▒▒▒▒"
    `);
    expect(await text(either)).toMatchInlineSnapshot(`
      "batch 0, head 0
      ██···
      ██···
      ██▒··
      ███▒·
      ████▒

      batch 1, head 0
      ███▒·
      ███▒·
      ███▒·
      ███▒·
      ████▒"
    `);
  });

  it('may be turned around', async () => {
    using mask = createBlockMask(gpu, causal, options);
    using not = createBlockMask(gpu, notMask(causal), options);
    const [{ classes }, turned] = await Promise.all([mask.toDense(), not.toDense()]);
    expect([...turned.classes]).toEqual([...classes].map((class_) => 2 - class_));
  });
});
