import { exactly } from '../ir/evaluate.ts';
import { type BinaryOp, constantOf, type Graph, type Node } from '../ir/node.ts';
import { type Context, refuse } from './context.ts';
import type { Place } from './diagnostic.ts';
import { asF32, asInt, literal } from './number.ts';
import { isAbsent, nodeOf, numberOf } from './operands.ts';
import { power } from './power.ts';
import { isNode, type Value } from './value.ts';

/** The operators on two numbers, but for `>` and `>=`, which are others turned round. */
const operations: Readonly<Record<string, BinaryOp>> = {
  ...({ '+': 'add', '-': 'sub', '*': 'mul', '/': 'div', '%': 'mod', '**': 'pow' } as const),
  ...({
    '&': 'bitand',
    '|': 'bitor',
    '^': 'bitxor',
    '<<': 'shl',
    '>>': 'shr',
    '>>>': 'ushr',
  } as const),
  ...({ '<': 'lt', '<=': 'le', '===': 'eq', '!==': 'ne', '==': 'eq', '!=': 'ne' } as const),
};

/** Where a value stands, and its operands where it has two. */
type Operands = Place & { readonly left?: Place; readonly right?: Place };

/** Both as i32, or both as f32. */
export function unify(graph: Graph, a: Node, b: Node): readonly [Node, Node] {
  return a.type === 'i32' && b.type === 'i32' ? [a, b] : [asF32(graph, a), asF32(graph, b)];
}

/** `a operator b` by the typing rules: integers stay integers but for `/`, and become f32 where they meet one. */
export function binary(cx: Context, operator: string, a: Value, b: Value, at: Operands): Node {
  const op = operations[operator.replace(/^>(=?)$/, '<$1')]!;
  if (op === 'eq' || op === 'ne') return equality(cx, op, a, b, at, operator.length < 3);
  const isOrder = op === 'lt' || op === 'le';
  if (isOrder && (isBoolean(a) || isBoolean(b))) {
    // What minifiers write has a plus there; without one it is `a < b < c`, which is not what it says.
    const remedy = 'Write a < b && b < c, or +(condition) where its number is meant.';
    refuse(cx, at, `a boolean has no order, and ${operator} compares one`, remedy);
  }
  const [x, y] = [numberOf(cx, a, at.left ?? at), numberOf(cx, b, at.right ?? at)];
  // `a > b` is `b < a`.
  return /^>=?$/.test(operator) ? numeric(cx, op, y, x, at) : numeric(cx, op, x, y, at);
}

function equality(
  cx: Context,
  op: 'eq' | 'ne',
  a: Value,
  b: Value,
  at: Operands,
  isLoose: boolean,
): Node {
  const absent = [a, b].filter((value) => isAbsent(cx, value, at)).length;
  if (absent > 0) return cx.graph.bool((absent === 2) === (op === 'eq'));
  if (isBoolean(a) && isBoolean(b)) return cx.graph.op(op, a, b);
  const operand = isLoose ? numberOf : nodeOf;
  const [x, y] = [operand(cx, a, at.left ?? at), operand(cx, b, at.right ?? at)];
  if (isBoolean(x) || isBoolean(y)) {
    refuse(cx, at, 'a number is compared with a boolean', 'Compare values of one type.');
  }
  return numeric(cx, op, x, y, at);
}

const isBoolean = (value: Value): value is Node => isNode(value) && value.type === 'bool';

function numeric(cx: Context, op: BinaryOp, a: Node, b: Node, at: Place): Node {
  const { graph } = cx;
  const [x, y] = [constantOf(a), constantOf(b)] as number[];
  if (x !== undefined && y !== undefined) return literal(graph, exactly(op, x, y));
  if (op === 'div') return graph.op('div', asF32(graph, a), asF32(graph, b));
  if (op === 'pow') return power(graph, a, b);
  if (/^(bit|sh|ush)/.test(op)) return bitOperation(cx, op, asInt(graph, a), asInt(graph, b), at);
  return graph.op(op, ...unify(graph, a, b));
}

function bitOperation(cx: Context, op: BinaryOp, a: Node, b: Node, at: Place): Node {
  const { graph } = cx;
  const isShift = op === 'shl' || op === 'shr' || op === 'ushr';
  const count = isShift ? graph.op('bitand', b, graph.i32(31)) : b;
  if (op === 'ushr' && !((constantOf(count) as number | undefined) ?? 0)) {
    const rule = '>>> needs a constant shift of 1 to 31, since its result may not fit an i32';
    refuse(cx, at, rule, 'Use >> for a signed shift, or a constant shift of at least 1.');
  }
  return graph.op(op, a, count);
}

/** `-a` and `~a`. */
export function unary(cx: Context, operator: '-' | '~', value: Value, at: Place): Node {
  const { graph } = cx;
  const node = numberOf(cx, value, at);
  const known = constantOf(node) as number | undefined;
  if (known !== undefined) return literal(graph, operator === '-' ? -known : ~known);
  if (operator === '-') return graph.op('neg', node);
  // ~~x is the customary truncation.
  const int = asInt(graph, node);
  return int.op === 'bitnot' ? int.args[0]! : graph.op('bitnot', int);
}
