import type { Graph } from '../../ir/graph.ts';
import type { BinaryOp, Node, UnaryOp } from '../../ir/node.ts';
import { extremes, type IntBounds, intWhere, isNatural, MAX, MIN, pointInt } from './interval.ts';

type Rule = (graph: Graph, a: IntBounds, b: IntBounds) => IntBounds | undefined;

// Below 2³¹ by more than f32 rounds away.
const EDGE = 2 ** 31 - 2048;

const fits = (least: number, most: number): boolean => least >= MIN && most <= MAX;

/** True where the same operation on f32 stays clear of 2³¹, so that the integer one does not wrap. */
function noOverflow(graph: Graph, op: BinaryOp, pairs: readonly (readonly [Node, Node])[]): Node {
  const checks = pairs.map(([x, y]) => {
    const value = graph.op(op, graph.op('toF32', x), graph.op('toF32', y));
    return graph.op('lt', graph.op('abs', value), graph.f32(EDGE));
  });
  return graph.and(...checks);
}

/** A result that is right unless it wraps for some pair of the block. */
function unlessWrapped(graph: Graph, bounds: IntBounds, safe: () => Node): IntBounds {
  return fits(bounds.least, bounds.most) ? bounds : intWhere(graph, safe(), bounds);
}

const add: Rule = (graph, a, b) => {
  const bounds = {
    lo: graph.op('add', a.lo, b.lo),
    hi: graph.op('add', a.hi, b.hi),
    least: a.least + b.least,
    most: a.most + b.most,
  };
  const ends = [
    [a.lo, b.lo],
    [a.hi, b.hi],
  ] as const;
  return unlessWrapped(graph, bounds, () => noOverflow(graph, 'add', ends));
};

const sub: Rule = (graph, a, b) => {
  const bounds = {
    lo: graph.op('sub', a.lo, b.hi),
    hi: graph.op('sub', a.hi, b.lo),
    least: a.least - b.most,
    most: a.most - b.least,
  };
  const ends = [
    [a.lo, b.hi],
    [a.hi, b.lo],
  ] as const;
  return unlessWrapped(graph, bounds, () => noOverflow(graph, 'sub', ends));
};

/** Pairs of ends, each once. */
function corners(a: IntBounds, b: IntBounds): (readonly [Node, Node])[] {
  return [...new Set([a.lo, a.hi])].flatMap((x) =>
    [...new Set([b.lo, b.hi])].map((y) => [x, y] as const),
  );
}

const mul: Rule = (graph, a, b) => {
  const pairs = corners(a, b);
  const [lo, hi] = extremes(
    graph,
    pairs.map(([x, y]) => graph.op('mul', x, y)),
  );
  const products = [a.least, a.most].flatMap((x) => [x * b.least, x * b.most]);
  const bounds = { lo, hi, least: Math.min(...products), most: Math.max(...products) };
  return unlessWrapped(graph, bounds, () => noOverflow(graph, 'mul', pairs));
};

const neg: Rule = (graph, a) => sub(graph, pointInt(graph.i32(0), 0, 0), a);

const abs: Rule = (graph, a) => {
  const minus = neg(graph, a, a)!;
  const lo = graph.op('max', graph.i32(0), graph.op('max', a.lo, minus.lo));
  const hi = graph.op('max', a.hi, minus.hi);
  const most = Math.max(-a.least, a.most);
  const safe = graph.op('lt', graph.i32(MIN), a.lo);
  return unlessWrapped(graph, { lo, hi, least: 0, most }, () => safe);
};

/** Operations that keep order, in every argument that varies. */
const monotone =
  (op: UnaryOp | BinaryOp, range: (a: IntBounds, b: IntBounds) => [number, number]): Rule =>
  (graph, a, b) => {
    const [least, most] = range(a, b);
    return { lo: graph.op(op, a.lo, b?.lo), hi: graph.op(op, a.hi, b?.hi), least, most };
  };

/** Quotients and remainders, by a divisor that is one number in the block and positive. */
const byDivisor =
  (rule: (graph: Graph, a: IntBounds, divisor: Node, most: number) => IntBounds): Rule =>
  (graph, a, b) => {
    if (b.lo !== b.hi) return undefined;
    const bounds = rule(graph, a, b.lo, b.most);
    const isPositive = b.least > 0 ? graph.bool(true) : graph.op('lt', graph.i32(0), b.lo);
    return intWhere(graph, isPositive, bounds);
  };

const quotient = (op: 'idiv' | 'floordiv'): Rule =>
  byDivisor((graph, a, divisor) => ({
    lo: graph.op(op, a.lo, divisor),
    hi: graph.op(op, a.hi, divisor),
    least: Math.min(a.least, 0),
    most: Math.max(a.most, 0),
  }));

const mod: Rule = byDivisor((graph, a, divisor, most) => {
  const [zero, largest] = [graph.i32(0), graph.op('sub', divisor, graph.i32(1))];
  const natural = isNatural(graph, a);
  const turns = [a.lo, a.hi].map((end) => graph.op('idiv', end, divisor)) as [Node, Node];
  // Within one turn the remainder rises with the dividend.
  const isOneTurn = graph.and(natural, graph.op('eq', ...turns));
  const from = graph.select(natural, zero, graph.op('max', a.lo, graph.op('neg', largest)));
  const to = graph.op('min', graph.op('max', a.hi, zero), largest);
  return {
    lo: graph.select(isOneTurn, graph.op('mod', a.lo, divisor), from),
    hi: graph.select(isOneTurn, graph.op('mod', a.hi, divisor), to),
    least: a.least >= 0 ? 0 : -most,
    most,
  };
});

const bitand: Rule = (graph, a, b) => {
  const [x, y] = [isNatural(graph, a), isNatural(graph, b)];
  // A natural number on either side bounds the result.
  const both = graph.op('min', a.hi, b.hi);
  const hi = graph.select(x, graph.select(y, both, a.hi), b.hi);
  const naturals = [a, b].filter(({ least }) => least >= 0).map(({ most }) => most);
  const bounds = { lo: graph.i32(0), hi, least: 0, most: Math.min(MAX, ...naturals) };
  return intWhere(graph, graph.or(x, y), bounds);
};

const shl: Rule = (graph, a, { lo: count }) => {
  if (count.op !== 'const' || count.data === 31) return undefined;
  const factor = 2 ** (count.data as number);
  return mul(graph, a, pointInt(graph.i32(factor), factor, factor));
};

const shr: Rule = (graph, a, b) =>
  b.lo === b.hi
    ? monotone('shr', () => [Math.min(a.least, 0), Math.max(a.most, 0)])(graph, a, b)
    : undefined;

const ushr: Rule = (graph, a, { lo: count }) => {
  const most = 2 ** (32 - (count.data as number)) - 1;
  const natural = isNatural(graph, a);
  const shifted = (end: Node): Node => graph.op('ushr', end, count);
  return {
    lo: graph.select(natural, shifted(a.lo), graph.i32(0)),
    hi: graph.select(natural, shifted(a.hi), graph.i32(most)),
    least: 0,
    most,
  };
};

/** Bounds of integer operations; what is missing here, or gives nothing, is known where its arguments are points. */
export const intRules: { readonly [O in UnaryOp | BinaryOp]?: Rule } = {
  add,
  sub,
  mul,
  neg,
  abs,
  idiv: quotient('idiv'),
  floordiv: quotient('floordiv'),
  mod,
  bitand,
  shl,
  shr,
  ushr,
  sign: monotone('sign', () => [-1, 1]),
  min: monotone('min', (a, b) => [Math.min(a.least, b.least), Math.min(a.most, b.most)]),
  max: monotone('max', (a, b) => [Math.max(a.least, b.least), Math.max(a.most, b.most)]),
  bitnot: (graph, a) => ({
    lo: graph.op('bitnot', a.hi),
    hi: graph.op('bitnot', a.lo),
    least: ~a.most,
    most: ~a.least,
  }),
};
