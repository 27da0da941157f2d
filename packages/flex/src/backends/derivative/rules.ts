import type { Graph } from '../../ir/graph.ts';
import type { Node, Op } from '../../ir/node.ts';

/** What a rule works with: the arguments, the derivative of each (undefined is 0), and the value itself. */
export interface Chain {
  readonly graph: Graph;
  readonly args: readonly Node[];
  readonly tangents: readonly (Node | undefined)[];
  readonly value: Node;
}

type Rule = (chain: Chain) => Node | undefined;

/** f(x) with f′ as a function of x and f(x). */
const chain =
  (slope: (graph: Graph, x: Node, y: Node) => Node): Rule =>
  ({ graph, args: [x], tangents: [dx], value }) =>
    dx && times(graph, dx, slope(graph, x!, value));

function times(graph: Graph, a: Node, b: Node): Node {
  return graph.op('mul', a, b);
}

function plus(graph: Graph, a: Node | undefined, b: Node | undefined): Node | undefined {
  return a && b ? graph.op('add', a, b) : (a ?? b);
}

const minus = (graph: Graph, a: Node | undefined, b: Node | undefined): Node | undefined =>
  a && b ? graph.op('sub', a, b) : (a ?? (b && graph.op('neg', b)));

const one = (graph: Graph): Node => graph.f32(1);
const over = (graph: Graph, a: Node, b: Node): Node => graph.op('div', a, b);
const square = (graph: Graph, x: Node): Node => graph.op('mul', x, x);
const onePlusSquare = (graph: Graph, x: Node): Node =>
  graph.op('add', square(graph, x), one(graph));
const oneMinusSquare = (graph: Graph, x: Node): Node =>
  graph.op('sub', one(graph), square(graph, x));

/** `tangents[0]` where the condition holds, else `tangents[1]`. */
function either({ graph, tangents: [da, db] }: Chain, condition: Node): Node | undefined {
  const zero = graph.f32(0);
  return da || db ? graph.select(condition, da ?? zero, db ?? zero) : undefined;
}

/** Derivatives of the f32 operations; what is missing here is constant between its steps, so its derivative is 0. */
export const rules: { readonly [O in Op]?: Rule } = {
  neg: ({ graph, tangents: [da] }) => da && graph.op('neg', da),
  add: ({ graph, tangents: [da, db] }) => plus(graph, da, db),
  sub: ({ graph, tangents: [da, db] }) => minus(graph, da, db),
  mul: ({ graph, args: [a, b], tangents: [da, db] }) =>
    plus(graph, da && times(graph, da, b!), db && times(graph, a!, db)),
  div: ({ graph, args: [, b], tangents: [da, db], value }) => {
    const top = minus(graph, da, db && times(graph, value, db));
    return top && over(graph, top, b!);
  },
  mod: ({ graph, args: [a, b], tangents: [da, db] }) =>
    minus(graph, da, db && times(graph, graph.op('trunc', over(graph, a!, b!)), db)),
  // At a tie the first argument's.
  min: (c) => either(c, c.graph.op('le', c.args[0]!, c.args[1])),
  max: (c) => either(c, c.graph.op('le', c.args[1]!, c.args[0])),
  abs: chain((graph, x) => graph.op('sign', x)),
  pow: ({ graph, args: [a, b], tangents: [da, db], value }) => {
    const lower = graph.op('pow', a!, graph.op('sub', b!, one(graph)));
    const byBase = da && times(graph, da, times(graph, b!, lower));
    const byExponent = db && times(graph, db, times(graph, value, graph.op('log', a!)));
    return plus(graph, byBase, byExponent);
  },
  atan2: ({ graph, args: [a, b], tangents: [da, db] }) => {
    const top = minus(graph, da && times(graph, da, b!), db && times(graph, a!, db));
    return top && over(graph, top, graph.op('add', square(graph, a!), square(graph, b!)));
  },
  sqrt: chain((graph, _, y) => over(graph, graph.f32(0.5), y)),
  exp: chain((_, __, y) => y),
  exp2: chain((graph, _, y) => times(graph, y, graph.f32(Math.LN2))),
  log: chain((graph, x) => over(graph, one(graph), x)),
  log2: chain((graph, x) => over(graph, graph.f32(Math.LOG2E), x)),
  sin: chain((graph, x) => graph.op('cos', x)),
  cos: chain((graph, x) => graph.op('neg', graph.op('sin', x))),
  tan: chain((graph, _, y) => onePlusSquare(graph, y)),
  asin: chain((graph, x) => over(graph, one(graph), graph.op('sqrt', oneMinusSquare(graph, x)))),
  acos: chain((graph, x) => over(graph, graph.f32(-1), graph.op('sqrt', oneMinusSquare(graph, x)))),
  atan: chain((graph, x) => over(graph, one(graph), onePlusSquare(graph, x))),
  sinh: chain((graph, x) => graph.op('cosh', x)),
  cosh: chain((graph, x) => graph.op('sinh', x)),
  tanh: chain((graph, _, y) => oneMinusSquare(graph, y)),
  asinh: chain((graph, x) => over(graph, one(graph), graph.op('sqrt', onePlusSquare(graph, x)))),
  acosh: chain((graph, x) => {
    const inner = graph.op('sub', square(graph, x), one(graph));
    return over(graph, one(graph), graph.op('sqrt', inner));
  }),
  atanh: chain((graph, x) => over(graph, one(graph), oneMinusSquare(graph, x))),
};
