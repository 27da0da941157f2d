import { knownNames } from '@heed/core/kernel';
import { exactly } from '../ir/evaluate-operation.ts';
import {
  type BinaryOp,
  constantOf,
  type FloatFunction,
  type Graph,
  type Node,
} from '../ir/expression-node.ts';
import { add, max, min, mul, sqrt } from '../ir/graph.ts';
import type { Place } from './compile-diagnostic.ts';
import { asF32, asInt, asNumber, intQuotient, literal, power } from './js-number.ts';
import { describe, faultOf, isNode, isUndefined, type Value } from './source-value.ts';
import { type Context, refuse, refuseFault } from './translation-context.ts';

/** The binary operators on numbers. `>` and `>=` are `<` and `<=` with the operands exchanged. */
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

/** The range of an expression, and of its operands if it has two. */
type Operands = Place & { readonly left?: Place; readonly right?: Place };

/** Converts both numbers to one type: i32 if both are, else f32. */
function unify(graph: Graph, a: Node, b: Node): readonly [Node, Node] {
  return a.type === 'i32' && b.type === 'i32' ? [a, b] : [asF32(graph, a), asF32(graph, b)];
}

/** Translates `a operator b` by the typing rules: integers stay integers except with `/`, and become f32 beside an f32. */
export function binary(cx: Context, operator: string, a: Value, b: Value, at: Operands): Node {
  const op = operations[operator.replace(/^>(=?)$/, '<$1')]!;
  if (op === 'eq' || op === 'ne') return equality(cx, op, a, b, at, operator.length < 3);
  const isOrder = op === 'lt' || op === 'le';
  if (isOrder && (isBoolean(a) || isBoolean(b))) {
    // Minifiers write a plus there. Without one it is `a < b < c`, which does not mean what it says.
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
  // `~~x` is an idiom for truncation.
  const int = asInt(graph, node);
  return int.op === 'bitnot' ? int.args[0]! : graph.op('bitnot', int);
}

/** Returns a number or boolean. @throws CompileError for any other value */
export function nodeOf(cx: Context, value: Value, at: Place): Node {
  if (isNode(value)) return value;
  const remedy =
    value.kind === 'table' ? 'Index every dimension: c.table[i][j].' : 'Use a number here.';
  refuseFault(cx, at, faultOf(value) ?? { rule: `${describe(value)} is not a number`, remedy });
}

/** Whether a value is undefined. @throws CompileError it is undefined on some paths only */
export function isAbsent(cx: Context, value: Value, at: Place): boolean {
  if (isNode(value)) return false;
  if (value.kind === 'choice') {
    const [a, b] = [isAbsent(cx, value.a, at), isAbsent(cx, value.b, at)];
    return a === b ? a : refuseFault(cx, at, value.why);
  }
  return value.kind === 'unusable' ? refuseFault(cx, at, value.why) : isUndefined(value);
}

/** Returns a number, converted from a boolean if necessary. @throws CompileError for any other value */
export function numberOf(cx: Context, value: Value, at: Place): Node {
  return asNumber(cx.graph, value) ?? nodeOf(cx, value, at);
}

/** Returns whether JavaScript treats a value as true in a condition. */
export function truthOf(cx: Context, value: Value, at: Place): Node {
  if (isUndefined(value) && !value.why) return cx.graph.bool(false);
  const { graph } = cx;
  if (isNode(value)) {
    if (value.type === 'bool') return value;
  } else if (value.kind === 'choice' && value.number) {
    // The truth of each part of `n || near` is taken by itself, so that later branches can use its outcome.
    return graph.select(value.condition, truthOf(cx, value.a, at), truthOf(cx, value.b, at));
  }
  const node = numberOf(cx, value, at);
  if (node.op === 'const') return graph.bool(Boolean(node.data));
  // Not `!= 0`, which is true for NaN.
  if (node.type === 'f32') return graph.op('lt', graph.f32(0), graph.op('abs', node));
  return graph.op('ne', node, graph.i32(0));
}

type Translate = (cx: Context, args: readonly [Node, ...Node[]]) => Node;

/** Functions f32 → f32 with the same name in the IR. */
const floatFunctions = [
  ...(['sqrt', 'exp', 'log', 'log2', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan'] as const),
  ...(['sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh'] as const),
];

const functions = new Map<string, Translate>([
  ...floatFunctions.map((op): [string, Translate] => [op, (cx, [a]) => float(cx, op, a)]),
  ['abs', ({ graph }, [a]) => graph.op('abs', a)],
  ['sign', ({ graph }, [a]) => graph.op('sign', a)],
  ['floor', (cx, [a]) => rounding(cx, 'floor', a)],
  ['ceil', (cx, [a]) => rounding(cx, 'ceil', a)],
  ['trunc', (cx, [a]) => rounding(cx, 'trunc', a)],
  ['round', (cx, [a]) => round(cx, a)],
  ['fround', ({ graph }, [a]) => asF32(graph, a)],
  ['clz32', ({ graph }, [a]) => graph.op('clz', asInt(graph, a))],
  ['log10', (cx, [a]) => mul(float(cx, 'log2', a), Math.log10(2))],
  ['cbrt', ({ graph }, [a]) => cubeRoot(asF32(graph, a))],
  ['imul', ({ graph }, [a, b]) => mul(asInt(graph, a), asInt(graph, b!))],
  ['pow', ({ graph }, [a, b]) => power(graph, a, b!)],
  ['atan2', ({ graph }, [a, b]) => graph.op('atan2', asF32(graph, a), asF32(graph, b!))],
  ['min', ({ graph }, args) => args.reduce((a, b) => min(...unify(graph, a, b)))],
  ['max', ({ graph }, args) => args.reduce((a, b) => max(...unify(graph, a, b)))],
  ['hypot', ({ graph }, args) => hypot(args.map((arg) => asF32(graph, arg)))],
]);

const variadic: readonly string[] = ['min', 'max', 'hypot'];

/** Returns a constant of Math, or undefined for any other name. */
export function mathConstant(name: string): number | undefined {
  const value = Math[name as 'PI'] as unknown;
  return typeof value === 'number' ? value : undefined;
}

/** `Math.name(...args)`. @throws CompileError WGSL has no match for it, or the number of arguments is wrong */
export function callMath(cx: Context, name: string, values: readonly Value[], at: Place): Node {
  const translate = functions.get(name);
  if (!translate) refuseFunction(cx, name, at);
  const args = values.map((value) => numberOf(cx, value, at));
  // Without arguments, the variadic functions return ±Infinity or 0.
  const count = variadic.includes(name) ? args.length : Math[name as 'max'].length;
  if (args.length !== count) {
    const rule = `Math.${name} takes ${count} ${count === 1 ? 'argument' : 'arguments'}; got ${args.length}`;
    refuse(cx, at, rule, `Pass ${count}.`);
  }
  const constants = args.map(constantOf);
  return constants.includes(undefined)
    ? translate(cx, args as [Node])
    : literal(cx.graph, Math[name as 'max'](...(constants as number[])));
}

function refuseFunction(cx: Context, name: string, at: Place): never {
  if (name === 'random') {
    const rule = 'Math.random has no value that the CPU and the GPU could agree on';
    refuse(cx, at, rule, 'Pass random numbers as a tensor in captures.');
  }
  const names = [...functions.keys()].toSorted();
  refuse(cx, at, `Math.${name} has no match on the GPU`, knownNames(name, names));
}

function float({ graph }: Context, op: FloatFunction, a: Node): Node {
  return graph.op(op, asF32(graph, a));
}

/** Rounds a number. Rounding a quotient of integers is an integer division, which is exact; an integer stays as it is. */
function rounding({ graph }: Context, op: 'floor' | 'ceil' | 'trunc', a: Node): Node {
  if (a.op === 'toF32') return a.args[0]!;
  if (a.type === 'i32') return a;
  const quotient = intQuotient(graph, a);
  if (!quotient) return graph.op(op, a);
  const [x, y] = quotient;
  if (op === 'ceil') return graph.op('neg', graph.op('floordiv', graph.op('neg', x), y));
  return graph.op(op === 'floor' ? 'floordiv' : 'idiv', x, y);
}

function round(cx: Context, a: Node): Node {
  const isInt = a.type === 'i32' || a.op === 'toF32';
  return isInt ? rounding(cx, 'floor', a) : cx.graph.op('floor', add(a, 0.5));
}

function cubeRoot(a: Node): Node {
  const { graph } = a;
  return mul(graph.op('sign', a), graph.op('pow', graph.op('abs', a), graph.f32(1 / 3)));
}

function hypot(args: readonly Node[]): Node {
  return sqrt(args.map((a) => mul(a, a)).reduce(add));
}
