import { constantOf, type Graph, isConstant, type Node } from '../ir/expression-node.ts';
import { perNode } from '../ir/traversal.ts';
import { isNode, type Value } from './source-value.ts';

/**
 * Returns the node of a constant in the source. Operations on constants alone are computed in exact doubles, so that constant
 * folding by a minifier changes nothing. A whole number that fits is an i32, since `1` and `1.0` are the same to JavaScript; so
 * is −0, the result of products with 0.
 */
export function literal(graph: Graph, value: number | boolean): Node {
  if (typeof value === 'boolean') return graph.bool(value);
  const int = value | 0;
  return value === int ? graph.i32(int) : graph.const('f32', value);
}

/** Converts a number or boolean for JavaScript's arithmetic: true is 1. */
export function asNumber(graph: Graph, value: Value): Node | undefined {
  if (!isNode(value)) return value.kind === 'choice' ? value.number : undefined;
  return value.type === 'bool' ? graph.select(value, graph.i32(1), graph.i32(0)) : value;
}

/** Converts a number to f32; constants are rounded. */
export function asF32(graph: Graph, node: Node): Node {
  const value = constantOf(node);
  if (value !== undefined) return graph.f32(value as number);
  return node.type === 'i32' ? graph.op('toF32', node) : node;
}

/** Returns the numerator and denominator of a quotient of two integers, which `/` has converted to f32. */
export function intQuotient(graph: Graph, node: Node): readonly [Node, Node] | undefined {
  if (node.op !== 'div') return undefined;
  const [a, b] = node.args.map((arg) => intBehind(graph, arg));
  return a && b && [a, b];
}

function intBehind(graph: Graph, node: Node): Node | undefined {
  if (node.op === 'toF32') return node.args[0];
  const value = constantOf(node) as number;
  return value === (value | 0) ? graph.i32(value | 0) : undefined;
}

/** Whether a number is whole by its construction. */
export const isWhole: (node: Node) => boolean = perNode((node, ofArgs) => {
  if (node.type === 'i32') return true;
  switch (node.op) {
    case 'const':
      return Number.isInteger(node.data);
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'toF32':
      return true;
    case 'select':
      return ofArgs[1]! && ofArgs[2]!;
    case 'add':
    case 'sub':
    case 'mul':
    case 'min':
    case 'max':
    case 'neg':
    case 'abs':
      return ofArgs.every(Boolean);
    default:
      return false;
  }
});

/** Converts to i32: a constant by JavaScript's ToInt32, any other number by truncation and saturation. */
export function asInt(graph: Graph, node: Node): Node {
  if (node.type === 'i32') return node;
  const value = constantOf(node);
  if (value !== undefined) return graph.i32((value as number) | 0);
  const quotient = intQuotient(graph, node);
  return quotient ? graph.op('idiv', ...quotient) : graph.op('toI32', node);
}

/** The largest exponent that becomes products: they keep integers integers and signs right. */
const MAX_PRODUCT = 16;

/** Translates `a ** b`, where at most one is constant. */
export function power(graph: Graph, a: Node, b: Node): Node {
  const exponent = constantOf(b) as number | undefined;
  if (exponent !== undefined && Math.abs(exponent) <= MAX_PRODUCT) {
    if (Number.isInteger(exponent)) return integerPower(graph, a, exponent);
    if (exponent === 0.5) return graph.op('sqrt', asF32(graph, a));
  }
  if (isConstant(a, 2)) return graph.op('exp2', asF32(graph, b));
  return graph.op('pow', asF32(graph, a), asF32(graph, b));
}

function integerPower(graph: Graph, a: Node, exponent: number): Node {
  if (exponent < 0) {
    const size = integerPower(graph, asF32(graph, a), -exponent);
    const inverse = graph.op('div', graph.f32(1), size);
    return graph.select(graph.op('eq', size, graph.f32(0)), graph.f32(Infinity), inverse);
  }
  if (exponent === 0) return graph.i32(1);
  const half = integerPower(graph, a, exponent >> 1);
  const square = exponent > 1 ? graph.op('mul', half, half) : undefined;
  if (!square) return a;
  return exponent % 2 === 1 ? graph.op('mul', square, a) : square;
}
