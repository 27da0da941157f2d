import { knownNames } from '@heed/core/kernel';
import { add, max, min, mul, sqrt } from '../ir/build.ts';
import { constantOf, type FloatFunction, type Node } from '../ir/node.ts';
import { type Context, refuse } from './context.ts';
import type { Place } from './diagnostic.ts';
import { asF32, asInt, intQuotient, literal } from './number.ts';
import { numberOf } from './operands.ts';
import { unify } from './operators.ts';
import { power } from './power.ts';
import type { Value } from './value.ts';

type Translate = (cx: Context, args: readonly [Node, ...Node[]]) => Node;

/** f32 → f32, under the same name in the IR. */
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

/** A property of Math: a number, or undefined if it is not one of the constants. */
export function mathConstant(name: string): number | undefined {
  const value = Math[name as 'PI'] as unknown;
  return typeof value === 'number' ? value : undefined;
}

/** `Math.name(...args)`. @throws CompileError WGSL has no match for it, or the number of arguments is wrong */
export function callMath(cx: Context, name: string, values: readonly Value[], at: Place): Node {
  const translate = functions.get(name);
  if (!translate) refuseFunction(cx, name, at);
  const args = values.map((value) => numberOf(cx, value, at));
  // Called without an argument, these are ±Infinity or 0.
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

/** Rounding a quotient of integers is an integer division, and exact; rounding an integer does nothing. */
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
