import type { Node } from '../../src/text/ir/expression-node.ts';
import { compileResolved } from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import { compileMod, f32 } from '../../src/index.ts';
import { type Block, capturedBy, judge } from '../programs/block-bounds.ts';

/** What the expressions of the guide's table of types capture. */
const captures = {
  seven: 7,
  half: 0.5,
  fixed: f32(7),
  on: true,
  bias: { dtype: 'f16', shape: [2, 8] },
  id: { dtype: 'i32', shape: [8] },
};

/** The type of what a mod returns, before it becomes a score. */
export function typeOf(mod: Function): string {
  const { op, type, args } = compileMod(mod, captures).ir as Node;
  return op === 'toF32' ? args[0]!.type : type;
}

const LENGTH = 96;
const SIZE = 16;

function* blocks(): Generator<Block> {
  const lengths = { qLen: LENGTH, kvLen: LENGTH };
  for (let qFirst = 0; qFirst < LENGTH; qFirst += SIZE) {
    for (let kvFirst = 0; kvFirst < LENGTH; kvFirst += SIZE) {
      const rows = { qFirst, qLast: qFirst + SIZE - 1 };
      const columns = { kvFirst, kvLast: kvFirst + SIZE - 1 };
      yield { b: 0, hFirst: 0, hLast: 0, ...rows, ...columns, ...lengths };
    }
  }
}

/** What the masks of the guide's table of bounds capture. */
const values = {
  window: 20,
  size: 24,
  prefix: [20],
  id: Array.from({ length: LENGTH }, (_, i) => (i < 40 ? 0 : i < 64 ? 1 : 2)),
  // Blocks of 16 × 32, some shown and some not.
  blocks: Array.from({ length: 6 }, (_, row) =>
    Array.from({ length: 3 }, (_1, column) => Number(row % 3 !== column)),
  ),
  // The first 40 queries see all.
  pairs: Array.from({ length: LENGTH }, (_, i) =>
    Array.from({ length: LENGTH }, () => Number(i < 40)),
  ),
};

const i32Table = (...shape: number[]) => ({ dtype: 'i32', shape });
const tables = { id: i32Table(LENGTH), prefix: i32Table(1), blocks: i32Table(6, 3) };

export interface Tightness {
  readonly hasRange: boolean;
  /** How many of the full and of the empty blocks the bounds recognise. */
  readonly classes: 'all found' | 'some' | 'none';
}

/** How much the bounds of a mask tell, by enumeration. @throws if they are wrong */
export function tightnessOf(mask: Function): Tightness {
  const resolution = resolve('test', mask, { ...values, ...tables });
  const compiled = compileResolved('test', resolution, 'mask');
  const verdictOf = judge(compiled);
  const captured = capturedBy(compiled, values, resolution);
  const verdicts = [...blocks()].map((block) => verdictOf(block, captured));
  const decided = verdicts.filter(({ actual }) => actual !== 'partial');
  const found = decided.filter(({ actual, claimed }) => actual === claimed);
  if (verdicts.some(({ actual, claimed }) => claimed !== 'partial' && claimed !== actual)) {
    throw new Error('bounds are wrong');
  }
  const { wgsl } = compileMod(mask, { ...values, ...tables });
  const classes =
    found.length === decided.length ? 'all found' : found.length > 0 ? 'some' : 'none';
  return { hasRange: wgsl.includes('fn range_mod'), classes };
}
