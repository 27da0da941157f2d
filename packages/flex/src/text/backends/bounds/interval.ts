import { exactly } from '../../ir/evaluate-operation.ts';
import type { BinaryOp, Node, Op } from '../../ir/expression-node.ts';
import { abs, add, and, eq, lt, max, min, mul, select, sub } from '../../ir/graph.ts';
import { perNode } from '../../ir/traversal.ts';

/** Numbers from `lo` to `hi` over a block, if `known` holds; else nothing is known of them. */
export interface Interval {
  readonly lo: Node;
  readonly hi: Node;
  readonly known: Node;
}

/** Sound, not complete: both may be false. */
export interface Verdict {
  /** True only if the condition holds for every pair of the block. */
  readonly all: Node;
  /** True only if it holds for none. */
  readonly none: Node;
}

const MIN: number = -(2 ** 31);
export const MAX: number = 2 ** 31 - 1;

/** One number, the same for the whole block. */
export function point(node: Node): Interval {
  return ordinary({ lo: node, hi: node, known: node.graph.bool(true) });
}

/** Any numbers of the node's type. */
export function unknown({ graph, type }: Node): Interval {
  return { ...point(graph.number(type, 0)), known: graph.bool(false) };
}

/** True where the interval is one number. */
export function isPoint({ lo, hi }: Interval): Node {
  return eq(lo, hi);
}

/** The interval, known only where the conditions hold too. */
export function where({ lo, hi, known }: Interval, ...conditions: readonly Node[]): Interval {
  return { lo, hi, known: conditions.reduce(and, known) };
}

// Far enough from overflow that no sum or product of two bounds gets there unseen.
const LARGE = 1e37;

/** Floats are known only where they are of ordinary size: no infinity, and no NaN from one. */
export function ordinary(interval: Interval): Interval {
  const { lo, hi } = interval;
  return lo.type === 'f32' ? where(interval, lt(max(abs(lo), abs(hi)), LARGE)) : interval;
}

// 8 to 16 ulp: more than WGSL allows any basic operation to be off, division included.
const RELATIVE = 2 ** -20;
const ABSOLUTE = 1e-37;

/** Makes room for the rounding of floats: of the GPU's operations, which need not be exact, and of the bounds' own. */
export function widened(interval: Interval): Interval {
  const { lo, hi, known } = interval;
  if (lo.type === 'i32') return interval;
  const margin = (x: Node): Node => add(mul(abs(x), RELATIVE), ABSOLUTE);
  return ordinary({ lo: sub(lo, margin(lo)), hi: add(hi, margin(hi)), known });
}

/** The interval of `a` where a condition holds for all of the block, of `b` where for none, else of both. */
export function selectInterval({ all, none }: Verdict, a: Interval, b: Interval): Interval {
  const pick = (x: Node, y: Node, either: Node): Node => select(all, x, select(none, y, either));
  return {
    lo: pick(a.lo, b.lo, min(a.lo, b.lo)),
    hi: pick(a.hi, b.hi, max(a.hi, b.hi)),
    known: pick(a.known, b.known, and(a.known, b.known)),
  };
}

/**
 * Batches, heads, positions and lengths are taken to be at most this in size, so that sums of a few of them need no
 * overflow test. Callers hold problems to it.
 */
export const MAX_POSITION: number = 2 ** 29;

/** The least and the largest value of an integer in any block. */
type Extent = readonly [least: number, most: number];

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
