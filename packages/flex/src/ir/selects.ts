import { type BinaryOp, constantOf, type Graph, type Node, type Op, type UnaryOp } from './node.ts';

type Parts = readonly [condition: Node, a: Node, b: Node];

/**
 * One form for choices within choices, whether they were written as returns, as nested conditions or as one condition:
 * minifiers turn each into the others. The same values, bit for bit.
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
  // `A || B ? (A ? x : y) : z`, which early returns come to.
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
  // `A && B ? z : (A ? x : y)`, which early exits of loops come to.
  const where = otherPart(condition, 'and', inner);
  if (where) return g.select(inner, g.select(where, z, x), y);
  const whereNot = otherPart(condition, 'and', g.not(inner));
  return whereNot && g.select(inner, x, g.select(whereNot, z, y));
}

/** What `part` is joined with in a condition, if it is one of its two sides. */
function otherPart({ op, args }: Node, by: 'and' | 'or', part: Node): Node | undefined {
  if (op !== by) return undefined;
  const [a, b] = args;
  return a === part ? b : b === part ? a : undefined;
}

/** Of a condition and its opposite one is chosen by, so that each choice has one form: the opposite, if that is the one. */
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

/** An operation of a constant and a choice between constants is one: `0.5 * (near ? 1 : 0)` is `near ? 0.5 : 0`. */
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
