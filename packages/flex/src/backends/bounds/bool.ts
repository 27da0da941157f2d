import type { Graph } from '../../ir/graph.ts';
import type { BinaryOp, UnaryOp } from '../../ir/node.ts';
import type { BoolBounds, FloatBounds, IntBounds } from './interval.ts';

type Rule = (graph: Graph, a: BoolBounds, b: BoolBounds) => BoolBounds;
type Ends = Pick<IntBounds, 'lo' | 'hi'>;
type Comparison = (graph: Graph, a: Ends, b: Ends) => BoolBounds;

const swap = ({ all, none }: BoolBounds): BoolBounds => ({ all: none, none: all });

const equal: Comparison = (graph, a, b) => ({
  all: graph.and(
    graph.op('eq', a.lo, a.hi),
    graph.op('eq', b.lo, b.hi),
    graph.op('eq', a.lo, b.lo),
  ),
  none: graph.or(graph.op('lt', a.hi, b.lo), graph.op('lt', b.hi, a.lo)),
});

/** Bounds of comparisons, from those of both sides. */
export const comparisons: { readonly [O in BinaryOp]?: Comparison } = {
  lt: (graph, a, b) => ({
    all: graph.op('lt', a.hi, b.lo),
    none: graph.op('le', b.hi, a.lo),
  }),
  le: (graph, a, b) => ({
    all: graph.op('le', a.hi, b.lo),
    none: graph.op('lt', b.hi, a.lo),
  }),
  eq: equal,
  ne: (graph, a, b) => swap(equal(graph, a, b)),
};

/** A comparison of floats says something only where both sides are known. */
export function compareFloats(
  graph: Graph,
  compare: Comparison,
  a: FloatBounds,
  b: FloatBounds,
): BoolBounds {
  const { all, none } = compare(graph, a, b);
  return { all: graph.and(a.known, b.known, all), none: graph.and(a.known, b.known, none) };
}

const same: Rule = (graph, a, b) => ({
  all: graph.or(graph.and(a.all, b.all), graph.and(a.none, b.none)),
  none: graph.or(graph.and(a.all, b.none), graph.and(a.none, b.all)),
});

/** Bounds of the operations on conditions. */
export const boolRules: { readonly [O in UnaryOp | BinaryOp]?: Rule } = {
  not: (_, a) => swap(a),
  and: (graph, a, b) => ({ all: graph.and(a.all, b.all), none: graph.or(a.none, b.none) }),
  or: (graph, a, b) => ({ all: graph.or(a.all, b.all), none: graph.and(a.none, b.none) }),
  eq: same,
  ne: (graph, a, b) => swap(same(graph, a, b)),
};

/** `a` where the condition holds, else `b`. */
export function selectBool(
  graph: Graph,
  condition: BoolBounds,
  a: BoolBounds,
  b: BoolBounds,
): BoolBounds {
  const pick = (side: 'all' | 'none'): BoolBounds['all'] =>
    graph.or(
      graph.and(condition.all, a[side]),
      graph.and(condition.none, b[side]),
      graph.and(a[side], b[side]),
    );
  return { all: pick('all'), none: pick('none') };
}
