import type { Gpu } from '@heed/core';
import { isFullRun, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BlockMaskOptions } from '../../src/host/block-mask-options.ts';
import {
  andMasks,
  bind,
  BlockMask,
  compileMod,
  createBlockMask,
  type MaskMod,
} from '../../src/index.ts';
import { document, slidingWindow } from '../../src/masks/index.ts';
import { clampingValues, library, type Table } from '../programs/library.ts';
import { indexMask, maskProgram, printProgram } from '../programs/random-programs.ts';
import { type CaptureValues, captureValues, declared, functionOf } from '../programs/world.ts';
import { judgeBlocks, problemOf, type Visible } from './enumerate.ts';
import { captured } from './flex-data.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

type Problem = Omit<BlockMaskOptions, 'captures'>;

const ragged = {
  cuSeqlensQ: Int32Array.of(0, 40, 40, 41, 110, 110),
  cuSeqlensK: Int32Array.of(0, 90, 100, 101, 101, 170),
} as const;

/** Ugly lengths in every layout. */
const problems: Readonly<Record<string, Problem>> = {
  'dense, end': { B: 2, H: 2, Lq: 70, Lk: 131, blockSize: 32 },
  'dense, start': { B: 2, H: 1, Lq: 131, Lk: 97, align: 'start', blockSize: 32 },
  'dense, more rows than keys': { B: 2, H: 1, Lq: 150, Lk: 99, blockSize: 96 },
  'dense, oblong blocks': { B: 1, H: 1, Lq: 129, Lk: 257, blockSize: [64, 128] },
  'dense, used keys': {
    B: 3,
    H: 1,
    Lq: 65,
    Lk: 131,
    blockSize: 32,
    seqUsedK: Int32Array.of(97, 0, 131),
  },
  'packed, ragged and empty': { ...ragged, H: 2, blockSize: 32 },
  'packed, rows behind the last': {
    ...ragged,
    Lq: 150,
    Lk: 180,
    align: 'start',
    blockSize: [32, 96],
  },
  'packed, used keys': { ...ragged, seqUsedK: Int32Array.of(33, 10, 0, 0, 64), blockSize: 32 },
  paged: {
    cuSeqlensQ: Int32Array.of(0, 64, 65, 65, 100),
    seqUsedK: Int32Array.of(130, 40, 0, 7),
    blockTable: Int32Array.of(0, 1, 2, 3),
    blockSize: 32,
  },
};

type Mask = MaskMod;

/** A band, a table, a table whose values are indices, and a function with statements. */
const quick = ['causal', 'document', 'tree', 'natten2d'];

describe.for(library.filter(({ kind }) => kind === 'mask'))(
  '$name',
  ({ name, mod, values, tightness }) => {
    const tags = quick.includes(name.split(' ')[0]!) ? [] : ['full'];
    it('has sound and tight blocks in every layout', { tags }, async () => {
      const clamped = clampingValues(values);
      const visible: Visible = (b, h, q, kv, info) => mod(b, h, q, kv, clamped, info) as boolean;
      const captures = captured(gpu, values);
      let [decidable, decided] = [0, 0];
      for (const [where, options] of Object.entries(problems)) {
        using mask = createBlockMask(gpu, mod as unknown as Mask, { ...options, captures });
        const judged = judgeBlocks(await mask.toDense(), problemOf(options), visible);
        expect(judged.wrong, where).toEqual([]);
        decidable += judged.decidable;
        decided += judged.decided;
      }
      expect(decidable).toBeGreaterThan(0);
      expect(decided / decidable, name).toBeGreaterThanOrEqual(tightness!.ragged ?? 1);
    });
  },
);

describe('random masks', () => {
  const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number, seed: number): T[] =>
    fc.sample(arbitrary, { numRuns, seed });
  const layouts: readonly Problem[] = [
    { B: 2, H: 2, Lq: 40, Lk: 70, blockSize: 32 },
    { B: 2, H: 3, Lq: 70, Lk: 40, seqUsedK: Int32Array.of(40, 33), align: 'start', blockSize: 32 },
    {
      H: 2,
      cuSeqlensQ: Int32Array.of(0, 33, 33, 70),
      cuSeqlensK: Int32Array.of(0, 66, 70, 75),
      blockSize: 32,
    },
    { ...problems['paged']!, H: 2, seqUsedK: Int32Array.of(66, 40, 0, 7) },
  ];

  it.for([
    ['of integers', indexMask, isFullRun() ? 40 : 6, 0.85],
    // Some divide by 0, take remainders of floats or compare what a xor gives: of those, bounds know little.
    ['with statements and floats', maskProgram, 20, 0.6],
  ] as const)('%s have sound blocks', async ([, programs, count, least]) => {
    const [values] = sample(captureValues, 1, 31) as [CaptureValues];
    const captures = captured(gpu, tables(values));
    let [decidable, decided] = [0, 0];
    for (const [i, program] of sample(programs, count, 32).entries()) {
      const text = printProgram(program);
      const { js } = compileMod(functionOf(text), declared(values), { kind: 'mask' });
      const visible: Visible = (b, h, q, kv, info) => js(b, h, q, kv, values, info) as boolean;
      const options = layouts[i % layouts.length]!;
      const all = { ...options, captures: { ...values, ...captures } };
      using mask = createBlockMask(gpu, functionOf(text) as unknown as Mask, all as never);
      const judged = judgeBlocks(await mask.toDense(), problemOf(options), visible);
      expect(judged.wrong, text).toEqual([]);
      decidable += judged.decidable;
      decided += judged.decided;
    }
    expect(decided / decidable).toBeGreaterThan(least);
  });
});

/** The tables of generated programs. */
function tables({ ids, grid, bias, half }: CaptureValues): Record<string, Table> {
  const flat = (table: readonly unknown[]): number[] => table.flat() as number[];
  return {
    ids: { dtype: 'i32', shape: [40], data: flat(ids) },
    grid: { dtype: 'i32', shape: [3, 5], data: flat(grid) },
    bias: { dtype: 'f32', shape: [16], data: flat(bias) },
    half: { dtype: 'f16', shape: [2, 4], data: flat(half) },
  };
}

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
