import { exactly } from '../../ir/evaluate-operation.ts';
import type { BinaryOp, Node, Op } from '../../ir/expression-node.ts';
import { abs, add, and, eq, lt, max, min, mul, select, sub } from '../../ir/graph.ts';
import { perNode } from '../../ir/traversal.ts';

/** Numbers between `lo` and `hi` in a block, if `known` holds; otherwise nothing is known of them. */
export interface Interval {
  readonly lo: Node;
  readonly hi: Node;
  readonly known: Node;
}

/** What bounds claim of a condition over a block. Both may be false: bounds are sound, not complete. */
export interface Verdict {
  /** True only if the condition holds for every pair of the block. */
  readonly all: Node;
  /** True only if the condition holds for no pair of the block. */
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

/** Restricts an interval: it is known only where the conditions hold too. */
export function where({ lo, hi, known }: Interval, ...conditions: readonly Node[]): Interval {
  return { lo, hi, known: conditions.reduce(and, known) };
}

// Far enough from overflow that no sum or product of two bounds overflows unnoticed.
const LARGE = 1e37;

/** Floats are known only where their size is ordinary, so that no infinity arises and no NaN from one. */
export function ordinary(interval: Interval): Interval {
  const { lo, hi } = interval;
  return lo.type === 'f32' ? where(interval, lt(max(abs(lo), abs(hi)), LARGE)) : interval;
}

// 8 to 16 ulp: more than WGSL allows any basic operation to be off, division included.
const RELATIVE = 2 ** -20;
const ABSOLUTE = 1e-37;

/**
 * Widens an interval by the rounding errors of floats: the errors of the GPU's operations, which need not be exact, and of the
 * bounds' own.
 */
export function widened(interval: Interval): Interval {
  const { lo, hi, known } = interval;
  if (lo.type === 'i32') return interval;
  const margin = (x: Node): Node => add(mul(abs(x), RELATIVE), ABSOLUTE);
  return ordinary({ lo: sub(lo, margin(lo)), hi: add(hi, margin(hi)), known });
}

/** The interval of `a` where the condition holds for the whole block, of `b` where it holds nowhere, else of both. */
export function selectInterval({ all, none }: Verdict, a: Interval, b: Interval): Interval {
  const pick = (x: Node, y: Node, either: Node): Node => select(all, x, select(none, y, either));
  return {
    lo: pick(a.lo, b.lo, min(a.lo, b.lo)),
    hi: pick(a.hi, b.hi, max(a.hi, b.hi)),
    known: pick(a.known, b.known, and(a.known, b.known)),
  };
}

/**
 * The largest batch, head, position or length in size, so that sums of a few of them need no overflow test. Callers check
 * problems against it.
 */
export const MAX_POSITION: number = 2 ** 29;

/** The least and the largest value of an integer in all blocks. */
type Extent = readonly [least: number, most: number];

export const extentOf: (node: Node) => Extent = perNode(findExtent, ({ type }) => type !== 'i32');

/** The extent of an operation's exact result, before it wraps, if it is monotone in both arguments. */
export function exactExtent(op: BinaryOp, [a, b]: readonly Extent[]): Extent {
  const ends = a!.flatMap((x) => (b ?? a!).map((y) => exactly(op, x, y) as number));
  return [Math.min(...ends), Math.max(...ends)];
}

export function fits([least, most]: Extent): boolean {
  return least >= MIN && most <= MAX;
}

const ANY: Extent = [MIN, MAX];

const monotone: readonly Op[] = ['neg', 'add', 'sub', 'mul', 'min', 'max'];
// Monotone only for a positive divisor or shift.
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
