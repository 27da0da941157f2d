import type { Gpu } from '@heed/core';
import { testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';
import { andMasks, bind, BlockMask, createBlockMask } from '../../src/index.ts';
import { document, slidingWindow } from '../../src/masks/index.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const LENGTH = 131_072;
const WINDOW = 4096;
const BLOCK = 128;
const KIB = 1024;

/** The ends of documents whose lengths are 1000, 3000, 5000, … until the rows are used up. */
function documentEnds(): Int32Array {
  const ends = [0];
  for (let length = 1000; ends.at(-1)! < LENGTH; length += 2000) {
    ends.push(Math.min(LENGTH, ends.at(-1)! + length));
  }
  return Int32Array.from(ends);
}

/**
 * Blocks that show a pair, by rows of blocks: those from the window's start, or the document's of the row of blocks' first
 * row, to the diagonal. Pairs of later documents in the same row of blocks lie to the right of that.
 */
function visitedBlocks(ends: Int32Array): number {
  let count = 0;
  for (let first = 0; first < LENGTH; first += BLOCK) {
    const own = ends.findLast((end) => end <= first)!;
    const start = Math.max(own, first - WINDOW);
    count += first / BLOCK - Math.floor(start / BLOCK) + 1;
  }
  return count;
}

/** Sizes of the GPU buffers that a function creates. */
function buffersOf(run: () => void): number[] {
  const { device } = gpu;
  const create = device.createBuffer.bind(device);
  const sizes: number[] = [];
  device.createBuffer = (descriptor) => {
    sizes.push(descriptor.size);
    return create(descriptor);
  };
  try {
    run();
  } finally {
    device.createBuffer = create;
  }
  return sizes;
}

const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);

it('a window over documents at 131,072 × 131,072 takes two bits a block', async () => {
  const ends = documentEnds();
  const ids = new Int32Array(LENGTH);
  ends.forEach((end, d) => d > 0 && ids.fill(d, ends[d - 1], end));
  using id = gpu.tensor(ids, { shape: [LENGTH] });
  const mod = andMasks(bind(slidingWindow, { window: WINDOW }), bind(document, { id }));
  let mask: BlockMask | undefined;
  const sizes = buffersOf(() => {
    mask = createBlockMask(gpu, mod, { Lq: LENGTH, Lk: LENGTH });
  });
  using blocks = mask!;
  const planes = (2 * (LENGTH / BLOCK) ** 2) / 8;
  expect(planes).toBe(256 * KIB);
  // The table is copied beside its summary, since one binding holds both.
  const table = 4 * LENGTH;
  const summary = (8 * LENGTH) / 32;
  const most = 2 * (planes + table + summary);
  expect(sum(sizes), sizes.join()).toBeLessThanOrEqual(most);
  expect(Math.max(...sizes)).toBeLessThan(KIB * KIB);

  const total = (LENGTH / BLOCK) ** 2;
  expect(await blocks.sparsity()).toBeCloseTo(1 - visitedBlocks(ends) / total, 9);
});

it('the same from the documents’ ends: the table of ids is all that grows with the length', async () => {
  const ends = documentEnds();
  const maskMod = bind(slidingWindow, { window: WINDOW });
  let mask: BlockMask | undefined;
  const sizes = buffersOf(() => {
    mask = BlockMask.fromCuSeqlens(gpu, ends, { maskMod });
  });
  using blocks = mask!;
  expect(Math.max(0, ...sizes)).toBeLessThan(KIB * KIB);
  const total = (LENGTH / BLOCK) ** 2;
  expect(await blocks.sparsity()).toBeCloseTo(1 - visitedBlocks(ends) / total, 9);
});
