import { exactly } from '../../ir/evaluate.ts';
import type { BinaryOp, Node, Op } from '../../ir/node.ts';
import { perNode } from '../../ir/order.ts';
import { MAX, MIN } from './interval.ts';

/**
 * Batches, heads, positions and lengths are taken to be at most this in size, so that sums of a few of them need no
 * overflow test. Callers hold problems to it.
 */
export const MAX_POSITION: number = 2 ** 29;

/** The least and the largest value of an integer in any block. */
export type Extent = readonly [least: number, most: number];

export const extentOf: (node: Node) => Extent = perNode(findExtent, ({ type }) => type !== 'i32');

/** What an operation can give before it wraps, if it is monotone in both arguments. */
export function exactExtent(op: BinaryOp, [a, b]: readonly Extent[]): Extent {
  const ends = a!.flatMap((x) => (b ?? a!).map((y) => exactly(op, x, y) as number));
  return [Math.min(...ends), Math.max(...ends)];
}

export function fits([least, most]: Extent): boolean {
  return least >= MIN && most <= MAX;
}

const ANY: Extent = [MIN, MAX];

const monotone: readonly Op[] = ['neg', 'add', 'sub', 'mul', 'min', 'max'];
// By a positive divisor or shift.
const quotients: readonly Op[] = ['idiv', 'floordiv', 'shr'];

function findExtent({ op, type, args, data }: Node, extents: readonly Extent[]): Extent {
  if (type !== 'i32') return ANY;
  switch (op) {
    case 'const':
      return [data as number, data as number];
    case 'input':
      return [data === 'qFirst' || data === 'qLast' ? -MAX_POSITION : 0, MAX_POSITION];
    case 'select': {
      const [, a, b] = extents;
      return [Math.min(a![0], b![0]), Math.max(a![1], b![1])];
    }
    case 'mod': {
      const size = Math.max(...extents[1]!.map(Math.abs));
      return [extents[0]![0] < 0 ? -size : 0, size];
    }
    case 'ushr':
      return [0, 2 ** (32 - (args[1]!.data as number)) - 1];
    default:
      return monotoneExtent(op, extents);
  }
}

function monotoneExtent(op: Op, extents: readonly Extent[]): Extent {
  const isMonotone = monotone.includes(op) || (quotients.includes(op) && extents[1]![0] > 0);
  const exact = isMonotone ? exactExtent(op as BinaryOp, extents) : ANY;
  return fits(exact) ? exact : ANY;
}
