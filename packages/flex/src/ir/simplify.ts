import { evaluate } from './evaluate.ts';
import type { Graph } from './graph.ts';
import {
  type BinaryOp,
  constantOf,
  isConstant,
  type Node,
  type Type,
  type UnaryOp,
} from './node.ts';

type Rule = (g: Graph, type: Type, a: Node, b: Node) => Node | undefined;

/**
 * The simpler node that an operation is equal to, bit for bit, or nothing. So no rule here may assume that f32 addition
 * is associative, that x + 0 is x (it is not for −0), or that a comparison is the negation of its opposite (NaN).
 */
export function simplify(
  g: Graph,
  op: UnaryOp | BinaryOp,
  type: Type,
  a: Node,
  b: Node | undefined,
): Node | undefined {
  const [x, y] = [constantOf(a), b && constantOf(b)];
  if (x !== undefined && (b === undefined || y !== undefined)) {
    return g.const(type, evaluate(op, type, x, y ?? 0));
  }
  return rules[op]?.(g, type, a, b!);
}

const isInt = (node: Node): boolean => node.type === 'i32';

const rules: { readonly [K in UnaryOp | BinaryOp]?: Rule } = {
  neg: (_, __, a) => (a.op === 'neg' ? a.args[0] : undefined),
  add: (g, type, a, b) => {
    if (isConstant(b, type === 'i32' ? 0 : -0)) return a;
    const inner = a.op === 'add' && isInt(a) ? constantOf(a.args[1]!) : undefined;
    const outer = constantOf(b);
    if (inner === undefined || outer === undefined) return undefined;
    return g.op('add', a.args[0]!, g.op('add', a.args[1]!, b));
  },
  sub: (g, type, a, b) => {
    if (b.op === 'const') return g.op('add', a, g.op('neg', b));
    if (type !== 'i32') return undefined;
    if (a === b) return g.i32(0);
    return isConstant(a, 0) ? g.op('neg', b) : undefined;
  },
  mul: (g, type, a, b) => {
    if (isConstant(b, 1)) return a;
    if (isConstant(b, -1)) return g.op('neg', a);
    return type === 'i32' && isConstant(b, 0) ? b : undefined;
  },
  div: (_, __, a, b) => (isConstant(b, 1) ? a : undefined),
  idiv: (_, __, a, b) => (isConstant(b, 1) || isConstant(b, 0) ? a : undefined),
  floordiv: (_, __, a, b) => (isConstant(b, 1) || isConstant(b, 0) ? a : undefined),
  mod: (g, type, _, b) =>
    type === 'i32' && [0, 1, -1].includes(b.data as number) ? g.i32(0) : undefined,
  min: (_, __, a, b) => (a === b ? a : undefined),
  max: (_, __, a, b) => (a === b ? a : undefined),
  floor: wholeNumber,
  ceil: wholeNumber,
  trunc: wholeNumber,
  bitand: (_, __, a, b) => (a === b || isConstant(b, -1) ? a : isConstant(b, 0) ? b : undefined),
  bitor: (_, __, a, b) => (a === b || isConstant(b, 0) ? a : undefined),
  bitxor: (_, __, a, b) => (isConstant(b, 0) ? a : undefined),
  shl: (_, __, a, b) => (isConstant(b, 0) ? a : undefined),
  shr: (_, __, a, b) => (isConstant(b, 0) ? a : undefined),
  lt: (g, _, a, b) => (a === b ? g.bool(false) : undefined),
  le: (g, _, a, b) => (a === b && isInt(a) ? g.bool(true) : undefined),
  eq: (g, _, a, b) => {
    if (a === b && a.type !== 'f32') return g.bool(true);
    if (a.type !== 'bool' || b.op !== 'const') return undefined;
    return b.data === true ? a : g.not(a);
  },
  ne: (g, _, a, b) => {
    if (a === b && a.type !== 'f32') return g.bool(false);
    if (a.type !== 'bool' || b.op !== 'const') return undefined;
    return b.data === true ? g.not(a) : a;
  },
  and: (g, _, a, b) => {
    if (a === b || b.data === true) return a;
    return b.data === false || b === g.not(a) ? g.bool(false) : undefined;
  },
  or: (g, _, a, b) => {
    if (a === b || b.data === false) return a;
    return b.data === true || b === g.not(a) ? g.bool(true) : undefined;
  },
  not: (g, _, { op, args: [a, b] }) => {
    if (op === 'not') return a;
    if (op === 'eq') return g.op('ne', a!, b);
    if (op === 'ne') return g.op('eq', a!, b);
    if (op === 'lt' && isInt(a!)) return g.op('le', b!, a);
    return op === 'le' && isInt(a!) ? g.op('lt', b!, a) : undefined;
  },
};

function wholeNumber(_: Graph, __: Type, a: Node): Node | undefined {
  return ['floor', 'ceil', 'trunc', 'toF32'].includes(a.op) ? a : undefined;
}
