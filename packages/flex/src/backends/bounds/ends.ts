import { abs, and, lt, max, min, toF32 } from '../../ir/build.ts';
import type { BinaryOp, Node, UnaryOp } from '../../ir/node.ts';
import { exactExtent, extentOf, fits } from './extent.ts';
import { type Interval, where, widened } from './interval.ts';

/** Bounds of a result, from those of its arguments. */
export type Rule = (a: Interval, b: Interval) => Interval;
export type Ends = readonly [Node, Node];

// Below 2³¹ by more than f32 rounds away.
const EDGE = 2 ** 31 - 2048;

/** True where the operation cannot wrap: for integers, the same on f32 stays clear of 2³¹. Floats do not wrap. */
export function isExact(op: BinaryOp, ends: Ends): Node {
  const { graph, type } = ends[0];
  if (type === 'f32' || fits(exactExtent(op, ends.map(extentOf)))) return graph.bool(true);
  const [x, y] = ends.map(toF32) as [Node, Node];
  return lt(abs(graph.op(op, x, y)), EDGE);
}

/** A result whose least and largest values are those at some of the ends, or among them. */
export const atEnds =
  (
    op: BinaryOp,
    endsOf: (a: Interval, b: Interval) => readonly Ends[],
    extremes: (values: readonly Node[]) => Ends = outermost,
  ): Rule =>
  (a, b) => {
    const ends = endsOf(a, b);
    const [lo, hi] = extremes(ends.map(([x, y]) => x.graph.op(op, x, y)));
    const exact = ends.map((pair) => isExact(op, pair));
    return widened(where({ lo, hi, known: a.known }, b.known, ...exact));
  };

const outermost = (values: readonly Node[]): Ends => [values.reduce(min), values.reduce(max)];

export const inOrder = ([lo, hi]: readonly Node[]): Ends => [lo!, hi!];

/** Pairs of ends, each once. */
export function corners(a: Interval, b: Interval): Ends[] {
  const others = [...new Set([b.lo, b.hi])];
  return [...new Set([a.lo, a.hi])].flatMap((x) => others.map((y): Ends => [x, y]));
}

/** What keeps order in every argument that varies, and is exact on floats too. */
export const monotone =
  (op: UnaryOp | BinaryOp): Rule =>
  (a, b) => ({
    lo: a.lo.graph.op(op, a.lo, b?.lo),
    hi: a.lo.graph.op(op, a.hi, b?.hi),
    known: b ? and(a.known, b.known) : a.known,
  });

/** What reverses order. */
export const falling = (op: UnaryOp): Rule => {
  const rising = monotone(op);
  return (a, b) => {
    const { lo, hi, known } = rising(a, b);
    return { lo: hi, hi: lo, known };
  };
};
