import { and, eq, le, lt, max, min, neg, or, select, sub } from '../../ir/build.ts';
import type { Node, Op } from '../../ir/node.ts';
import { atEnds, corners, falling, inOrder, isExact, monotone, type Rule } from './ends.ts';
import { extentOf } from './extent.ts';
import { type Interval, isPoint, point, where, widened } from './interval.ts';

/** Bounds that hold for a divisor that is positive, and one number in the block. */
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

/** A natural number on either side bounds the result. */
const bitand: Rule = (a, b) => {
  const [x, y] = [a, b].map((side) => and(side.known, isNatural(side))) as [Node, Node];
  const hi = select(x, select(y, min(a.hi, b.hi), a.hi), b.hi);
  return { lo: zero(a).lo, hi, known: or(x, y) };
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

/** Bounds of the operations on numbers. What is missing is known where its arguments are integers, and points. */
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
