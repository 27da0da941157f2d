import type { BinaryOperator } from 'acorn';
import type { Graph } from '../ir/graph.ts';
import { type BinaryOp, constantOf, type Node } from '../ir/node.ts';
import { type Context, refuse } from './context.ts';
import type { Place } from './diagnostic.ts';
import { asF32, asInt, literal } from './number.ts';
import { nodeOf, numberOf } from './operands.ts';
import { power } from './power.ts';
import { isNode, type Value } from './value.ts';

type Operator = Exclude<BinaryOperator, 'in' | 'instanceof' | '!=' | '=='>;
type Numbers = (a: number, b: number) => number | boolean;

/** The operators on constants: JavaScript's own. */
const fold: Record<Operator, Numbers> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >> b,
  '>>>': (a, b) => a >>> b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '===': (a, b) => a === b,
  '!==': (a, b) => a !== b,
};

const arithmetic: { readonly [O in Operator]?: BinaryOp } = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '%': 'mod',
  '<': 'lt',
  '<=': 'le',
  '===': 'eq',
  '!==': 'ne',
};

const bitwise: { readonly [O in Operator]?: BinaryOp } = {
  '&': 'bitand',
  '|': 'bitor',
  '^': 'bitxor',
  '<<': 'shl',
  '>>': 'shr',
  '>>>': 'ushr',
};

/** Both as i32, or both as f32. */
export function unify(graph: Graph, a: Node, b: Node): readonly [Node, Node] {
  return a.type === 'i32' && b.type === 'i32' ? [a, b] : [asF32(graph, a), asF32(graph, b)];
}

/** `a operator b` by the typing rules: integers stay integers but for `/`, and become f32 where they meet one. */
export function binary(cx: Context, operator: string, a: Value, b: Value, at: Place): Node {
  if (operator === 'in' || operator === 'instanceof') {
    refuse(cx, at, `${operator} looks at objects`, 'Use numbers and comparisons.');
  }
  const strict = (operator === '==' || operator === '!=' ? `${operator}=` : operator) as Operator;
  if (strict === '===' || strict === '!==') return equality(cx, strict, a, b, at);
  return numeric(cx, strict, numberOf(cx, a, at), numberOf(cx, b, at), at);
}

function equality(cx: Context, operator: Operator, a: Value, b: Value, at: Place): Node {
  const isEqual = operator === '===';
  const absent = [a, b].filter((value) => !isNode(value) && value.kind === 'undefined').length;
  if (absent > 0) return cx.graph.bool((absent === 2) === isEqual);
  const [x, y] = [nodeOf(cx, a, at), nodeOf(cx, b, at)];
  if (x.type !== 'bool' && y.type !== 'bool') return numeric(cx, operator, x, y, at);
  if (x.type !== y.type) {
    refuse(cx, at, `${operator} compares a number with a boolean`, 'Compare values of one type.');
  }
  return cx.graph.op(isEqual ? 'eq' : 'ne', x, y);
}

function numeric(cx: Context, operator: Operator, a: Node, b: Node, at: Place): Node {
  const { graph } = cx;
  const [x, y] = [constantOf(a), constantOf(b)];
  if (x !== undefined && y !== undefined) {
    return literal(graph, fold[operator](x as number, y as number));
  }
  if (operator === '>') return numeric(cx, '<', b, a, at);
  if (operator === '>=') return numeric(cx, '<=', b, a, at);
  if (operator === '/') return graph.op('div', asF32(graph, a), asF32(graph, b));
  if (operator === '**') return power(graph, a, b);
  const bits = bitwise[operator];
  if (bits) return bitOperation(cx, bits, asInt(graph, a), asInt(graph, b), at);
  return graph.op(arithmetic[operator]!, ...unify(graph, a, b));
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
