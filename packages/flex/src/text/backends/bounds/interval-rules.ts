import type { BinaryOp, Node, Op, UnaryOp } from '../../ir/expression-node.ts';
import { abs, and, eq, le, lt, max, min, neg, or, select, sub, toF32 } from '../../ir/graph.ts';
import {
  exactExtent,
  extentOf,
  fits,
  type Interval,
  isPoint,
  point,
  selectInterval,
  where,
  widened,
} from './interval.ts';

/** Computes the bounds of a result from the bounds of its arguments. */
type Rule = (a: Interval, b: Interval) => Interval;
type Ends = readonly [Node, Node];

// Below 2³¹ by more than the rounding error of f32.
const EDGE = 2 ** 31 - 2048;

/** True where the operation cannot wrap: for integers, the same operation in f32 stays clear of 2³¹. Floats do not wrap. */
export function isExact(op: BinaryOp, ends: Ends): Node {
  const { graph, type } = ends[0];
  if (type === 'f32' || fits(exactExtent(op, ends.map(extentOf)))) return graph.bool(true);
  const [x, y] = ends.map(toF32) as [Node, Node];
  return lt(abs(graph.op(op, x, y)), EDGE);
}

/** Bounds of a result that is extreme at some of the end points of its arguments. */
const atEnds =
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

const inOrder = ([lo, hi]: readonly Node[]): Ends => [lo!, hi!];

/** The pairs of end points, each once. */
function corners(a: Interval, b: Interval): Ends[] {
  const others = [...new Set([b.lo, b.hi])];
  return [...new Set([a.lo, a.hi])].flatMap((x) => others.map((y): Ends => [x, y]));
}

/** Bounds of an operation that is monotone in every argument that varies, and exact on floats too. */
const monotone =
  (op: UnaryOp | BinaryOp): Rule =>
  (a, b) => ({
    lo: a.lo.graph.op(op, a.lo, b?.lo),
    hi: a.lo.graph.op(op, a.hi, b?.hi),
    known: b ? and(a.known, b.known) : a.known,
  });

/** Bounds of an operation that reverses order. */
const falling = (op: UnaryOp): Rule => {
  const rising = monotone(op);
  return (a, b) => {
    const { lo, hi, known } = rising(a, b);
    return { lo: hi, hi: lo, known };
  };
};

/** Restricts a rule to a divisor that is positive and the same in the whole block. */
const byPositive =
  (rule: Rule): Rule =>
  (a, b) =>
    where(rule(a, b), isPoint(b), extentOf(b.lo)[0] > 0 ? b.known : lt(0, b.lo));

/** True where no number of the interval is negative. */
function isNatural({ lo }: Interval): Node {
  return extentOf(lo)[0] >= 0 ? lo.graph.bool(true) : le(0, lo);
}

const zero = ({ lo: { graph, type } }: Interval): Interval => point(graph.number(type, 0));

/** Negation wraps at −2³¹ only. */
const negated: Rule = (a, b) => where(falling('neg')(a, b), isExact('sub', [zero(a).lo, a.lo]));

const mod: Rule = byPositive((a, { lo: divisor, known }) => {
  const { graph } = divisor;
  const largest = sub(divisor, 1);
  const natural = isNatural(a);
  // Within one turn the remainder rises with the dividend.
  const turns = [a.lo, a.hi].map((end) => graph.op('idiv', end, divisor)) as [Node, Node];
  const isOneTurn = and(natural, eq(...turns));
  const from = select(natural, graph.i32(0), max(a.lo, neg(largest)));
  const to = min(max(a.hi, 0), largest);
  return {
    lo: select(isOneTurn, graph.op('mod', a.lo, divisor), from),
    hi: select(isOneTurn, graph.op('mod', a.hi, divisor), to),
    known: and(a.known, known),
  };
});

/** Two numbers have one result. Else a natural number as either operand bounds it. */
const bitand: Rule = (a, b) => {
  const [x, y] = [a, b].map((side) => and(side.known, isNatural(side))) as [Node, Node];
  const hi = select(x, select(y, min(a.hi, b.hi), a.hi), b.hi);
  const ranged = { lo: zero(a).lo, hi, known: or(x, y) };
  const result = where(point(a.lo.graph.op('bitand', a.lo, b.lo)), a.known, b.known);
  const isOne = and(isPoint(a), isPoint(b));
  return selectInterval({ all: isOne, none: isOne.graph.not(isOne) }, result, ranged);
};

const ushr: Rule = (a, { lo: count }) => {
  const natural = isNatural(a);
  const shifted = (end: Node): Node => end.graph.op('ushr', end, count);
  const [, most] = extentOf(shifted(a.hi));
  return {
    lo: select(natural, shifted(a.lo), zero(a).lo),
    hi: select(natural, shifted(a.hi), count.graph.i32(most)),
    known: a.known,
  };
};

const multiplied = atEnds('mul', corners);

/**
 * Bounds of the operations on numbers. The result of an operation that is missing here is known only where its arguments are
 * integers and points.
 */
export const rules: { readonly [O in Op]?: Rule } = {
  add: atEnds(
    'add',
    (a, b) => [
      [a.lo, b.lo],
      [a.hi, b.hi],
    ],
    inOrder,
  ),
  sub: atEnds(
    'sub',
    (a, b) => [
      [a.lo, b.hi],
      [a.hi, b.lo],
    ],
    inOrder,
  ),
  mul: multiplied,
  // The divisor must keep clear of 0.
  div: (a, b) => where(atEnds('div', corners)(a, b), or(lt(0, b.lo), lt(b.hi, 0))),
  neg: negated,
  abs: (a, b) => {
    const minus = negated(a, b);
    const [lo, hi] = [max(max(a.lo, minus.lo), 0), max(a.hi, minus.hi)];
    return { lo, hi, known: minus.known };
  },
  idiv: byPositive(monotone('idiv')),
  floordiv: byPositive(monotone('floordiv')),
  mod,
  bitand,
  bitnot: falling('bitnot'),
  shl: (a, { lo: count }) => {
    const factor = point(count.graph.i32(2 ** (Number(count.data) & 31)));
    return where(
      multiplied(a, factor),
      count.graph.bool(count.op === 'const' && count.data !== 31),
    );
  },
  shr: (a, b) => where(monotone('shr')(a, b), isPoint(b)),
  ushr,
  sign: monotone('sign'),
  min: monotone('min'),
  max: monotone('max'),
  floor: monotone('floor'),
  ceil: monotone('ceil'),
  trunc: monotone('trunc'),
  toF32: (a, b) => widened(monotone('toF32')(a, b)),
  toI32: monotone('toI32'),
};
