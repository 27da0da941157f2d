import { isFullRun } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import type { CompiledMaskHook } from '../../src/text/backends/wgsl/wgsl-hooks.ts';
import { compileResolved, toMaskHook } from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import {
  type Block,
  type BlockClass,
  capturedBy,
  judge,
  type Verdict,
} from '../programs/block-bounds.ts';
import { library, type LibraryCase, nestedValues } from '../programs/library.ts';

const KEYS = 96;
const sizes = [
  [1, 32],
  [8, 8],
  [16, 48],
  [32, 16],
] as const;

/** Blocks of the last `qLen` of 96 positions, by their keys; neither side need divide its length. */
function* blocksOf(qLen: number): Generator<Block> {
  const offset = KEYS - qLen;
  for (const [rows, columns] of sizes) {
    for (let row = 0; row < qLen; row += rows) {
      for (let kvFirst = 0; kvFirst < KEYS; kvFirst += columns) {
        yield {
          b: (row + kvFirst) % 2,
          hFirst: 0,
          hLast: 1,
          qFirst: offset + row,
          qLast: offset + Math.min(row + rows, qLen) - 1,
          kvFirst,
          kvLast: Math.min(kvFirst + columns, KEYS) - 1,
          qLen,
          kvLen: KEYS,
        };
      }
    }
  }
}

interface Compiled {
  judge(qLen: number): Verdict[];
  readonly hook: CompiledMaskHook;
}

/** Every block is judged once: the tests below share the verdicts. */
const known = new Map<LibraryCase, Compiled>();

function compiled(mask: LibraryCase): Compiled {
  const made = known.get(mask) ?? compile(mask);
  known.set(mask, made);
  return made;
}

function compile({ mod, values }: LibraryCase): Compiled {
  const resolution = resolve('test', mod, values);
  const mask = compileResolved('test', resolution, 'mask');
  const verdictOf = judge(mask);
  const captured = capturedBy(mask, nestedValues(values), resolution);
  const judged = new Map<number, Verdict[]>();
  return {
    judge: (qLen) => {
      const verdicts =
        judged.get(qLen) ?? [...blocksOf(qLen)].map((block) => verdictOf(block, captured));
      judged.set(qLen, verdicts);
      return verdicts;
    },
    hook: toMaskHook(mask, 'mask'),
  };
}

/** The share of the blocks of a class that the bounds recognise; −1 where there are none. */
function share(verdicts: readonly Verdict[], wanted: BlockClass): number {
  const blocks = verdicts.filter(({ actual }) => actual === wanted);
  if (blocks.length === 0) return -1;
  return blocks.filter(({ claimed }) => claimed === wanted).length / blocks.length;
}

const masks = library.filter(({ kind }) => kind === 'mask');

describe.for(masks)('bounds of $name', (mask) => {
  it.for(isFullRun() ? [70, 116] : [70])(
    'are right for %i queries',
    { timeout: 30_000 },
    (qLen) => {
      for (const { claimed, actual, lost } of compiled(mask).judge(qLen)) {
        expect(claimed === 'partial' || claimed === actual).toBe(true);
        expect(lost).toEqual([]);
      }
    },
  );
});

describe('bounds recognise of full and of empty blocks, at the least, the share for', () => {
  it.for(masks)('$name', (mask) => {
    const { judge: verdictsOf, hook } = compiled(mask);
    const verdicts = verdictsOf(70);
    const { full = -1, empty, hasRange } = mask.tightness!;
    const shares = { full: share(verdicts, 'full'), empty: share(verdicts, 'empty') };
    expect(Math.sign(shares.full)).toBe(Math.sign(full));
    expect(shares.full).toBeGreaterThanOrEqual(full);
    expect(shares.empty).toBeGreaterThanOrEqual(empty);
    expect(hook.hasRange).toBe(hasRange);
  });
});
