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
const floatFunctions: readonly FloatFunction[] = [
  ...(['sqrt', 'exp', 'log', 'log2', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan'] as const),
  ...(['sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh'] as const),
];

const fixed = new Map<string, Translate>([
  ...floatFunctions.map((op): [string, Translate] => [op, (cx, [a]) => float(cx, op, a)]),
  ['abs', ({ graph }, [a]) => graph.op('abs', a)],
  ['sign', ({ graph }, [a]) => graph.op('sign', a)],
  ['floor', (cx, [a]) => rounding(cx, 'floor', a)],
  ['ceil', (cx, [a]) => rounding(cx, 'ceil', a)],
  ['trunc', (cx, [a]) => rounding(cx, 'trunc', a)],
  ['round', (cx, [a]) => round(cx, a)],
  ['fround', ({ graph }, [a]) => asF32(graph, a)],
  ['clz32', ({ graph }, [a]) => graph.op('clz', asInt(graph, a))],
  ['log10', (cx, [a]) => scale(cx, float(cx, 'log2', a), Math.log10(2))],
  ['cbrt', (cx, [a]) => cubeRoot(cx, asF32(cx.graph, a))],
  ['imul', ({ graph }, [a, b]) => graph.op('mul', asInt(graph, a), asInt(graph, b!))],
  ['pow', ({ graph }, [a, b]) => power(graph, a, b!)],
  ['atan2', ({ graph }, [a, b]) => graph.op('atan2', asF32(graph, a), asF32(graph, b!))],
]);

const variadic = new Map<string, Translate>([
  ['min', ({ graph }, args) => args.reduce((a, b) => graph.op('min', ...unify(graph, a, b)))],
  ['max', ({ graph }, args) => args.reduce((a, b) => graph.op('max', ...unify(graph, a, b)))],
  ['hypot', hypot],
]);

const twoArguments = ['imul', 'pow', 'atan2'];

/** A property of Math: a number, or undefined if it is not one of the constants. */
export function mathConstant(name: string): number | undefined {
  const value = Math[name as 'PI'] as unknown;
  return typeof value === 'number' ? value : undefined;
}

/** `Math.name(...args)`. @throws CompileError WGSL has no match for it, or the number of arguments is wrong */
export function callMath(cx: Context, name: string, values: readonly Value[], at: Place): Node {
  const translate = fixed.get(name) ?? variadic.get(name);
  if (!translate) refuseFunction(cx, name, at);
  const args = values.map((value) => numberOf(cx, value, at));
  const count = fixed.has(name) ? (twoArguments.includes(name) ? 2 : 1) : args.length;
  if (args.length !== count) {
    const rule = `Math.${name} takes ${count} ${count === 1 ? 'argument' : 'arguments'}; got ${args.length}`;
    refuse(cx, at, rule, `Pass ${count}.`);
  }
  const constants = args.map(constantOf) as number[];
  if (!constants.includes(undefined as never)) {
    const known = Math[name as 'max'](...constants);
    return literal(cx.graph, known);
  }
  return translate(cx, args as [Node]);
}

function refuseFunction(cx: Context, name: string, at: Place): never {
  if (name === 'random') {
    const rule = 'Math.random has no value that the CPU and the GPU could agree on';
    refuse(cx, at, rule, 'Pass random numbers as a tensor in captures.');
  }
  const known = [...fixed.keys(), ...variadic.keys()].toSorted().join(', ');
  refuse(cx, at, `Math.${name} has no match on the GPU`, `These have: ${known}.`);
}

function float({ graph }: Context, op: FloatFunction, a: Node): Node {
  return graph.op(op, asF32(graph, a));
}

function scale({ graph }: Context, a: Node, factor: number): Node {
  return graph.op('mul', a, graph.f32(factor));
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
  const { graph } = cx;
  if (a.type === 'i32' || a.op === 'toF32') return rounding(cx, 'floor', a);
  return graph.op('floor', graph.op('add', a, graph.f32(0.5)));
}

function cubeRoot({ graph }: Context, a: Node): Node {
  const size = graph.op('pow', graph.op('abs', a), graph.f32(1 / 3));
  return graph.op('mul', graph.op('sign', a), size);
}

function hypot({ graph }: Context, args: readonly Node[]): Node {
  const squares = args.map((arg) => {
    const x = asF32(graph, arg);
    return graph.op('mul', x, x);
  });
  return graph.op(
    'sqrt',
    squares.reduce((a, b) => graph.op('add', a, b)),
  );
}
