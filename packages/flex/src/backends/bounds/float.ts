import type { Graph } from '../../ir/graph.ts';
import type { BinaryOp, Node, UnaryOp } from '../../ir/node.ts';
import { extremes, type FloatBounds, widened } from './interval.ts';

type Rule = (graph: Graph, a: FloatBounds, b: FloatBounds) => FloatBounds;

const bothKnown = (graph: Graph, a: FloatBounds, b: FloatBounds): Node =>
  graph.and(a.known, b.known);

/** What is exact on the GPU too, and keeps order. */
const monotone =
  (op: UnaryOp | BinaryOp): Rule =>
  (graph, a, b) => ({
    lo: graph.op(op, a.lo, b?.lo),
    hi: graph.op(op, a.hi, b?.hi),
    known: b ? bothKnown(graph, a, b) : a.known,
  });

const byCorners =
  (op: 'mul' | 'div', isDefined: (graph: Graph, b: FloatBounds) => Node): Rule =>
  (graph, a, b) => {
    const pairs = [a.lo, a.hi].flatMap((x) => [b.lo, b.hi].map((y) => graph.op(op, x, y)));
    const known = graph.and(bothKnown(graph, a, b), isDefined(graph, b));
    return widened(graph, known, ...extremes(graph, pairs));
  };

/** Bounds of the basic f32 operations. Of all others nothing is known. */
export const floatRules: { readonly [O in UnaryOp | BinaryOp]?: Rule } = {
  add: (graph, a, b) =>
    widened(
      graph,
      bothKnown(graph, a, b),
      graph.op('add', a.lo, b.lo),
      graph.op('add', a.hi, b.hi),
    ),
  sub: (graph, a, b) =>
    widened(
      graph,
      bothKnown(graph, a, b),
      graph.op('sub', a.lo, b.hi),
      graph.op('sub', a.hi, b.lo),
    ),
  mul: byCorners('mul', (graph) => graph.bool(true)),
  // The divisor must keep clear of 0.
  div: byCorners('div', (graph, b) =>
    graph.or(graph.op('lt', graph.f32(0), b.lo), graph.op('lt', b.hi, graph.f32(0))),
  ),
  neg: (graph, a) => ({ lo: graph.op('neg', a.hi), hi: graph.op('neg', a.lo), known: a.known }),
  abs: (graph, a) => ({
    lo: graph.op('max', graph.op('max', a.lo, graph.op('neg', a.hi)), graph.f32(0)),
    hi: graph.op('max', graph.op('abs', a.lo), graph.op('abs', a.hi)),
    known: a.known,
  }),
  min: monotone('min'),
  max: monotone('max'),
  floor: monotone('floor'),
  ceil: monotone('ceil'),
  trunc: monotone('trunc'),
  sign: monotone('sign'),
};
