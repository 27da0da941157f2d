import { describe, expect, it } from 'vitest';
import { accessClocks, operandClocks, resultClocks } from '../../src/nvidia/bank-conflicts.ts';
import { sharedTurn } from '../../src/nvidia/shared-clocks.ts';
import { type PlainAccess, widened } from '../../src/nvidia/wide-loads.ts';
import { parseSpirv } from '../../src/spirv/spirv-module.ts';
import { loopKernel } from './spirv-words.ts';

const lanes = (of: (lane: number) => number): number[] =>
  Array.from({ length: 32 }, (_, lane) => of(lane));

describe('accessClocks', () => {
  it.for([
    ['neighbouring words', 4, (lane: number) => lane * 4, 1],
    ['one word for all lanes', 4, () => 0, 1],
    ['words of one bank', 4, (lane: number) => lane * 128, 32],
    ['neighbouring pairs of words', 8, (lane: number) => lane * 8, 2],
    ['neighbouring vectors', 16, (lane: number) => lane * 16, 4],
    [
      'vectors 36 apart, which meet in 2 of 8 groups of banks',
      16,
      (lane: number) => (lane % 8) * 36 * 16,
      16,
    ],
    ['vectors 9 apart', 16, (lane: number) => (lane % 8) * 9 * 16, 4],
    [
      'vectors 9 apart, each for a pair of lanes',
      16,
      (lane: number) => (Math.floor(lane / 2) % 8) * 9 * 16,
      2,
    ],
  ] as const)('takes %s of %i bytes', ([, bytes, of, clocks]) => {
    expect(accessClocks(lanes(of), bytes)).toBe(clocks);
  });
});

describe('widened', () => {
  const load = (offset: number, size = 4): PlainAccess => ({
    variable: 1,
    offsets: lanes((lane) => lane * 32 + offset),
    size,
    isStore: false,
    isUnknown: false,
  });
  const sizes = (accesses: readonly PlainAccess[]): number[] =>
    widened(accesses).map(({ size }) => size);

  it('joins loads of neighbours, in any order, up to 16 bytes', () => {
    expect(sizes([load(8), load(0), load(12), load(4), load(16), load(20)])).toEqual([16, 8]);
  });

  it('joins none across a store, and none that are not aligned', () => {
    expect(sizes([load(0), { ...load(64), isStore: true }, load(4)])).toEqual([4, 4, 4]);
    expect(sizes([load(4), load(8)])).toEqual([4, 4]);
  });
});

describe('matrices', () => {
  it.for([
    [272, 16],
    [256, 128],
  ])(
    'load an operand of 16 × 32 whose rows are %i bytes apart in %i clocks',
    ([stride = 0, clocks]) => {
      expect(operandClocks({ offset: 0, stride, lines: 16, length: 64 })).toBe(clocks);
    },
  );

  it.for([
    [144, 16],
    [160, 8],
  ])(
    'store a result of 16 × 16 whose rows are %i bytes apart in %i clocks',
    ([stride = 0, clocks]) => {
      expect(resultClocks({ offset: 0, stride, lines: 16, length: 16 }, false)).toBe(clocks);
    },
  );
});

describe('sharedTurn', () => {
  it('has the addresses of one turn of the loop from the kernel', () => {
    expect(sharedTurn(parseSpirv(loopKernel(9)))).toEqual({
      clocks: 8,
      idealClocks: 8,
      bytes: 1024,
      unknownAccesses: 0,
    });
    expect(sharedTurn(parseSpirv(loopKernel(8)))).toMatchObject({ clocks: 36, idealClocks: 8 });
  });
});
