import { evaluate } from './evaluate-operation.ts';
import {
  type BinaryOp,
  constantOf,
  type Graph,
  isConstant,
  type Node,
  type Op,
  type Type,
  type UnaryOp,
} from './expression-node.ts';

type Rule = (g: Graph, type: Type, a: Node, b: Node) => Node | undefined;

/**
 * Returns a simpler node with the same value, bit for bit, if there is one. So no rule here may assume that f32 addition is
 * associative, that x + 0 is x (it is not for −0), or that a comparison is the negation of its opposite (NaN).
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
  if (y !== undefined && y === identities[op as BinaryOp]) return a;
  if (a === b && idempotent.includes(op)) return a;
  return rules[op]?.(g, type, a, b!);
}

const isInt = (node: Node): boolean => node.type === 'i32';

/** x ∘ identity = x. */
const identities: { readonly [O in BinaryOp]?: number } = {
  mul: 1,
  div: 1,
  idiv: 1,
  floordiv: 1,
  bitand: -1,
  bitor: 0,
  bitxor: 0,
  shl: 0,
  shr: 0,
};

/** x ∘ x = x. */
const idempotent: readonly string[] = ['min', 'max', 'bitand', 'bitor', 'and', 'or'];

const rules: { readonly [K in UnaryOp | BinaryOp]?: Rule } = {
  neg: (_, __, a) => (a.op === 'neg' ? a.args[0] : undefined),
  add: (g, type, a, b) => {
    if (isConstant(b, type === 'i32' ? 0 : -0)) return a;
    if (b.op === 'neg') return g.op('sub', a, b.args[0]);
    const isNested = b.op === 'const' && isInt(a) && a.op === 'add' && a.args[1]!.op === 'const';
    return isNested ? g.op('add', a.args[0]!, g.op('add', a.args[1]!, b)) : undefined;
  },
  sub: (g, type, a, b) => {
    if (b.op === 'const') return g.op('add', a, g.op('neg', b));
    if (b.op === 'neg') return g.op('add', a, b.args[0]);
    if (type !== 'i32') return undefined;
    if (a === b) return g.i32(0);
    return isConstant(a, 0) ? g.op('neg', b) : undefined;
  },
  mul: (g, type, a, b) => {
    if (isConstant(b, -1)) return g.op('neg', a);
    return type === 'i32' && isConstant(b, 0) ? b : undefined;
  },
  div: (g, _, a, b) => {
    if (b.data !== 0) return undefined;
    // NaN hides a pair, as −∞ does.
    const [above, below] = Object.is(b.data, -0) ? [-Infinity, Infinity] : [Infinity, -Infinity];
    const zero = g.f32(0);
    const ofNegative = g.select(g.op('lt', a, zero), g.f32(below), g.f32(-Infinity));
    return g.select(g.op('lt', zero, a), g.f32(above), ofNegative);
  },
  idiv: byZero,
  floordiv: byZero,
  mod: (g, type, _, b) =>
    type === 'i32' && [0, 1, -1].includes(b.data as number) ? g.i32(0) : undefined,
  floor: wholeNumber,
  ceil: wholeNumber,
  trunc: wholeNumber,
  bitand: (_, __, ___, b) => (isConstant(b, 0) ? b : undefined),
  lt: (g, _, a, b) => (a === b ? g.bool(false) : undefined),
  le: (g, _, a, b) => (a === b && isInt(a) ? g.bool(true) : undefined),
  eq: (g, _, a, b) => {
    if (a === b && a.type !== 'f32') return g.bool(true);
    if (a.type === 'bool') {
      const [notA, notB] = [oppositeOf(g, a), oppositeOf(g, b)];
      if (notA) return g.not(g.op('eq', notA, b));
      if (notB) return g.not(g.op('eq', a, notB));
    }
    if (typeof b.data !== 'boolean') return undefined;
    return b.data ? a : g.not(a);
  },
  ne: (g, _, a, b) => {
    if (a.type === 'f32') return undefined;
    return a === b || a.type === 'bool' ? g.not(g.op('eq', a, b)) : undefined;
  },
  and: (g, _, a, b) => {
    if (b.data === true) return a;
    if (b.data === false || b === g.not(a)) return g.bool(false);
    if (isPartOf(a, 'and', b)) return a;
    return joined(g, 'and', a, b);
  },
  or: (g, _, a, b) => {
    if (b.data === false) return a;
    if (b.data === true || b === g.not(a)) return g.bool(true);
    if (isPartOf(a, 'or', b)) return a;
    return joined(g, 'or', a, b);
  },
  not: (g, _, { op, args: [a, b] }) => {
    if (op === 'not') return a;
    if (op === 'eq' && a!.type !== 'bool') return g.op('ne', a!, b);
    if (op === 'ne') return g.op('eq', a!, b);
    if (op === 'lt' && isInt(a!)) return g.op('le', b!, a);
    return op === 'le' && isInt(a!) ? g.op('lt', b!, a) : undefined;
  },
};

/** Whether a chain of one connective contains `part`. */
function isPartOf(chain: Node, op: 'and' | 'or', part: Node): boolean {
  let at = chain;
  for (; at.op === op; at = at.args[0]!) if (at.args[1] === part) return true;
  return at === part;
}

/** Longer chains come from loops. Rebuilding them at each turn would take quadratic time. */
const MAX_JOINED = 4;

/** `a ∧ (x ∧ y)` as `(a ∧ x) ∧ y`, as source text without parentheses is read. */
function joined(g: Graph, op: 'and' | 'or', a: Node, b: Node): Node | undefined {
  const parts: Node[] = [];
  let at = b;
  for (; at.op === op && parts.length < MAX_JOINED; at = at.args[0]!) parts.unshift(at.args[1]!);
  if (parts.length === 0 || at.op === op) return undefined;
  return [at, ...parts].reduce((left, part) => g.op(op, left, part), a);
}

/** An integer divided by 0 is itself. */
function byZero(_: Graph, __: Type, a: Node, b: Node): Node | undefined {
  return isConstant(b, 0) ? a : undefined;
}

function wholeNumber(_: Graph, __: Type, a: Node): Node | undefined {
  return ['floor', 'ceil', 'trunc', 'toF32'].includes(a.op) ? a : undefined;
}

type Parts = readonly [condition: Node, a: Node, b: Node];

/**
 * Gives nested choices one form, whether they were written as returns, as nested conditions or as one condition: minifiers turn
 * each into the others. The values stay the same, bit for bit.
 */
export function joinSelects(g: Graph, condition: Node, a: Node, b: Node): Node | undefined {
  return joinFirst(g, condition, a, b) ?? joinSecond(g, condition, a, b);
}

/** `A ? (B ? x : y) : z`. */
function joinFirst(g: Graph, condition: Node, a: Node, z: Node): Node | undefined {
  if (a.op !== 'select') return undefined;
  const [inner, x, y] = a.args as unknown as Parts;
  if (inner === condition) return g.select(condition, x, z);
  if (y === z) return g.select(g.and(condition, inner), x, z);
  if (x === z) return g.select(g.and(condition, g.not(inner)), y, z);
  // Early returns produce `A || B ? (A ? x : y) : z`.
  const where = otherPart(condition, 'or', inner);
  if (where) return g.select(inner, x, g.select(where, y, z));
  const whereNot = otherPart(condition, 'or', g.not(inner));
  return whereNot && g.select(inner, g.select(whereNot, x, z), y);
}

/** `A ? z : (B ? x : y)`. */
function joinSecond(g: Graph, condition: Node, z: Node, b: Node): Node | undefined {
  if (b.op !== 'select') return undefined;
  const [inner, x, y] = b.args as unknown as Parts;
  if (inner === condition) return g.select(condition, z, y);
  if (x === z) return g.select(g.or(condition, inner), z, y);
  if (y === z) return g.select(g.or(condition, g.not(inner)), z, x);
  // Early exits of loops produce `A && B ? z : (A ? x : y)`.
  const where = otherPart(condition, 'and', inner);
  if (where) return g.select(inner, g.select(where, z, x), y);
  const whereNot = otherPart(condition, 'and', g.not(inner));
  return whereNot && g.select(inner, x, g.select(whereNot, z, y));
}

/** Returns the other operand of a connective that has `part` as one operand. */
function otherPart({ op, args }: Node, by: 'and' | 'or', part: Node): Node | undefined {
  if (op !== by) return undefined;
  const [a, b] = args;
  return a === part ? b : b === part ? a : undefined;
}

/**
 * Choices are made by a condition or by its opposite, never by both, so that each has one form. Returns the opposite if choices
 * are made by that.
 */
export function oppositeOf(g: Graph, { op, args }: Node): Node | undefined {
  const [a, b] = args as readonly [Node, Node];
  if (op === 'not') return a;
  if (op === 'ne') return g.op('eq', a, b);
  return op === 'le' && a.type === 'i32' ? g.op('lt', b, a) : undefined;
}

const onConstants: ReadonlySet<Op> = new Set<Op>([
  ...(['neg', 'abs', 'add', 'sub', 'mul', 'min', 'max', 'lt', 'le', 'eq', 'ne'] as const),
  ...(['bitand', 'bitor', 'bitxor', 'shl', 'shr'] as const),
]);

/** Applies an operation with a constant to a choice between constants: `0.5 * (near ? 1 : 0)` becomes `near ? 0.5 : 0`. */
export function chosenConstants(
  g: Graph,
  op: UnaryOp | BinaryOp,
  a: Node,
  b: Node | undefined,
): Node | undefined {
  if (!onConstants.has(op)) return undefined;
  const chosen = constantsOf(g, a);
  if (chosen && (!b || b.op === 'const')) {
    const [condition, x, y] = chosen;
    return g.select(condition, g.op(op, x, b), g.op(op, y, b));
  }
  const other = a.op === 'const' && b && constantsOf(g, b);
  return other ? g.select(other[0], g.op(op, a, other[1]), g.op(op, a, other[2])) : undefined;
}

function constantsOf(g: Graph, node: Node): Parts | undefined {
  const inner = node.op === 'toF32' ? node.args[0]! : node;
  if (inner.op !== 'select') return undefined;
  const [condition, x, y] = inner.args as unknown as Parts;
  if (constantOf(x) === undefined || constantOf(y) === undefined || x.type === 'bool')
    return undefined;
  return inner === node ? [condition, x, y] : [condition, g.op('toF32', x), g.op('toF32', y)];
}
