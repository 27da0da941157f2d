import { describe, expect, it } from 'vitest';
import * as masks from '../../src/masks/index.ts';
import * as mods from '../../src/mods/index.ts';
import { compileMod } from '../../src/index.ts';

// The library's mods and masks against their sources' own words: loops and lists, where the mods have formulas.

type Mask = (q: number, kv: number) => boolean;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The mask as a function of a pair, as it is called and as it is compiled. */
function both(mod: Function, captures: Record<string, unknown>, kvLen: number): Mask[] {
  const info = { qLen: kvLen, kvLen, qRow: 0, kvRow: 0 };
  const { js } = compileMod(mod as never, captures as never);
  return [mod, js].map((run) => (q, kv) => run(0, 0, q, kv, captures, info) as boolean);
}

function expectMask(mod: Function, captures: Record<string, unknown>, size: number, want: Mask) {
  for (const mask of both(mod, captures, size)) {
    const rows = (shows: Mask): string[] =>
      range(size).map((q) =>
        range(size)
          .map((kv) => (shows(q, kv) ? '█' : '░'))
          .join(''),
      );
    expect(rows(mask)).toEqual(rows(want));
  }
}

describe('t5Bias', () => {
  /** `_relative_position_bucket` of Hugging Face's T5, in f32 as there. */
  function bucketOf(offset: number, all: number, maxDistance: number, bidirectional: boolean) {
    const f = Math.fround;
    let [buckets, first, distance] = [all, 0, Math.max(-offset, 0)];
    if (bidirectional) {
      buckets = Math.floor(all / 2);
      if (offset > 0) first = buckets;
      distance = Math.abs(offset);
    }
    const exact = Math.floor(buckets / 2);
    if (distance < exact) return first + distance;
    const log = f(f(Math.log(f(distance / exact))) / f(Math.log(maxDistance / exact)));
    return first + Math.min(exact + Math.trunc(f(log * (buckets - exact))), buckets - 1);
  }

  // T5 and its like, WavLM, and ones that no model has.
  it.for([
    [32, 128],
    [320, 800],
    [64, 256],
    [16, 64],
    [8, 16],
  ] as const)('has the buckets of T5 for %i buckets up to %i', ([buckets, maxDistance]) => {
    for (const bidirectional of [true, false]) {
      const bias = range(buckets).map((bucket) => [0, bucket]);
      const captures = { bias, buckets, maxDistance, bidirectional };
      const { js } = compileMod(mods.t5Bias as never, captures as never);
      for (let offset = -maxDistance - 40; offset <= maxDistance + 40; offset++) {
        const want = bucketOf(offset, buckets, maxDistance, bidirectional);
        const args = [0, 0, 1, 1000, 1000 + offset, captures] as const;
        expect((mods.t5Bias as Function)(...args), `${offset}`).toBe(want);
        expect((js as Function)(...args), `${offset}`).toBe(want);
      }
    }
  });
});

it('gaussianBias multiplies weights by the Gaussian', () => {
  const sigma = [0.5, 3];
  for (const distance of [-7, -1, 0, 2, 30]) {
    for (const h of [0, 1]) {
      const bias = (mods.gaussianBias as Function)(0, 0, h, 50 + distance, 50, { sigma }) as number;
      expect(Math.exp(bias)).toBeCloseTo(Math.exp(-(distance ** 2) / (2 * sigma[h]! ** 2)), 12);
    }
  }
});

it('the biases have the gradients of their tables', () => {
  const sigma = [0.5, 3];
  const gaussian = compileMod(mods.gaussianBias as never, { sigma }).derivative!;
  const { score, tables } = gaussian.js(0, 0, 1, 50, 43);
  expect([score, ...tables]).toEqual([1, expect.closeTo(7 ** 2 / 3 ** 3, 5)]);
  const bias = [[1], [2], [3], [4]];
  const captures = { bias, buckets: 4, maxDistance: 8, bidirectional: true };
  const t5 = compileMod(mods.t5Bias as never, captures as never).derivative!;
  expect(t5.js(0, 0, 0, 50, 43)).toEqual({ score: 1, tables: [1] });
});

describe('windowPartition', () => {
  /** Swin's way: roll the grid up and left by the shift, divide it, and keep apart what the roll has brought together. */
  function swin(height: number, width: number, window: number, shift: number): Mask {
    const region = (at: number, size: number): number =>
      at < size - window ? 0 : at < size - shift ? 1 : 2;
    const place = (cell: number) => {
      const y = (Math.floor(cell / width) - shift + height) % height;
      const x = ((cell % width) - shift + width) % width;
      const regions = shift === 0 ? 0 : 3 * region(y, height) + region(x, width);
      return [Math.floor(y / window), Math.floor(x / window), regions].join();
    };
    return (q, kv) => place(q) === place(kv);
  }

  it.for([
    [8, 8, 4, 0],
    [8, 8, 4, 2],
    [6, 9, 3, 1],
    [14, 7, 7, 3],
  ] as const)(
    'is Swin’s on a grid of %i × %i, windows of %i shifted by %i',
    ([h, w, window, shift]) => {
      const captures = { width: w, window, shift };
      expectMask(masks.windowPartition, captures, h * w, swin(h, w, window, shift));
    },
  );

  it('has no shift by default', () => {
    expectMask(masks.windowPartition, { width: 6, window: 2 }, 24, swin(4, 6, 2, 0));
  });
});

/** The positions that a kernel of `kernel` around `at` covers, moved into 0 … size − 1 one step at a time. */
function around(at: number, kernel: number, size: number): number[] {
  let covered = range(kernel).map((i) => at - Math.floor(kernel / 2) + i);
  while (covered[0]! < 0) covered = covered.map((i) => i + 1);
  while (covered.at(-1)! >= size) covered = covered.map((i) => i - 1);
  return covered;
}

type Three = readonly [depth: number, height: number, width: number];

/** A cell's coordinates. */
function cells([depth, height, width]: Three): Three[] {
  return range(depth).flatMap((z) =>
    range(height).flatMap((y) => range(width).map((x): Three => [z, y, x])),
  );
}

const boxed = (size: Three, kernel: Three): Mask => {
  const all = cells(size);
  return (q, kv) =>
    size.every((n, axis) => around(all[q]![axis]!, kernel[axis]!, n).includes(all[kv]![axis]!));
};

describe('natten3d', () => {
  it.for([
    [
      [3, 4, 5],
      [3, 3, 3],
    ],
    [
      [2, 5, 4],
      [2, 1, 4],
    ],
    [
      [5, 3, 3],
      [4, 3, 2],
    ],
  ] as const)('is the box around each cell: %j, %j', ([size, kernel]) => {
    const [depth, height, width] = size;
    const [kernelDepth, kernelHeight, kernelWidth] = kernel;
    const captures = { depth, height, width, kernelDepth, kernelHeight, kernelWidth };
    expectMask(masks.natten3d, captures, depth * height * width, boxed(size, kernel));
  });

  it('is natten2d in one plane', () => {
    const grid = { height: 4, width: 5 };
    const [plane] = both(masks.natten2d, { ...grid, kernel: 3 }, 20);
    const box = { depth: 1, kernelDepth: 1, kernelHeight: 3, kernelWidth: 3 };
    expectMask(masks.natten3d, { ...grid, ...box }, 20, plane!);
  });
});

describe('slidingTile', () => {
  it.for([
    [4, [1, 3, 4], [1, 3, 3]],
    [3, [3, 2, 3], [2, 1, 3]],
    [1, [2, 3, 3], [1, 2, 2]],
  ] as const)('is the box of tiles, and text: tiles of %i, %j, %j', ([tileSize, size, kernel]) => {
    const [depth, height, width] = size;
    const [kernelDepth, kernelHeight, kernelWidth] = kernel;
    const captures = { tileSize, depth, height, width, kernelDepth, kernelHeight, kernelWidth };
    const image = depth * height * width * tileSize;
    const tiles = boxed(size, kernel);
    const tile = (at: number): number => Math.floor(at / tileSize);
    const want: Mask = (q, kv) => q >= image || kv >= image || tiles(tile(q), tile(kv));
    expectMask(masks.slidingTile, captures, image + 5, want);
  });

  it('is of an image by default', () => {
    const image = { tileSize: 2, height: 3, width: 3, kernelHeight: 2, kernelWidth: 3 };
    const [flat] = both(masks.slidingTile, { ...image, depth: 1, kernelDepth: 1 }, 18);
    expectMask(masks.slidingTile, image, 18, flat!);
  });
});

it('flamingo shows each image to its interval', () => {
  const intervals = [
    [0, 7],
    [1, 7],
    [7, 12],
  ];
  const shown = intervals.map(([first, end]) => range(12).slice(first, end));
  const want: Mask = (q, kv) => shown[Math.floor(kv / 4)]!.includes(q);
  expectMask(masks.flamingo, { intervals, tokensPerImage: 4 }, 12, want);
});

describe('randomBlocks', () => {
  const drawn = (seed: number, count: number, blocks: number): number[][] => {
    const captures = { seed, blockSize: 1, count };
    const [mask] = both(masks.randomBlocks, captures, blocks);
    return range(blocks).map((q) => range(blocks).filter((kv) => mask!(q, kv)));
  };

  it('draws by the hash that its docstring names', () => {
    const mix = (n: bigint): bigint => {
      let x = BigInt.asUintN(32, n);
      x ^= x >> 16n;
      x = BigInt.asUintN(32, x * 0x7feb352dn);
      x ^= x >> 15n;
      x = BigInt.asUintN(32, x * 0x846ca68bn);
      return x ^ (x >> 16n);
    };
    for (const [seed, blockSize, count, length] of [
      [7, 4, 3, 50],
      [-1, 16, 4, 96],
      [2 ** 31 - 1, 1, 1, 40],
    ] as const) {
      const blocks = BigInt(Math.ceil(length / blockSize));
      const draws = (n: number): number[] =>
        range(count).map((i) => {
          const row = mix(mix(BigInt(seed)) ^ BigInt(n));
          return Number((mix(row ^ BigInt(i)) >> 1n) % blocks);
        });
      const block = (at: number): number => Math.floor(at / blockSize);
      const want: Mask = (q, kv) => draws(block(q)).includes(block(kv));
      expectMask(masks.randomBlocks, { seed, blockSize, count }, length, want);
    }
  });

  it('draws evenly, and anew for each seed', () => {
    const [first, second] = [drawn(1, 3, 64), drawn(2, 3, 64)];
    expect(first).not.toEqual(second);
    for (const rows of [first, second]) {
      const counts = range(64).map((kv) => rows.filter((row) => row.includes(kv)).length);
      expect(Math.max(...rows.map((row) => row.length))).toBe(3);
      expect(counts.filter((n) => n === 0).length).toBeLessThan(10);
      expect(Math.max(...counts)).toBeLessThan(11);
    }
  });
});
