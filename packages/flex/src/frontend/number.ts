import { constantOf, type Graph, type Node } from '../ir/node.ts';
import { perNode } from '../ir/order.ts';
import { isNode, type Value } from './value.ts';

/**
 * A constant of the source. Constants are exact doubles as long as they only meet constants, so that what a minifier
 * computes ahead changes nothing; one that is whole and fits is an i32, as `1` and `1.0` are the same to JavaScript.
 * So is −0, which products with 0 come to.
 */
export function literal(graph: Graph, value: number | boolean): Node {
  if (typeof value === 'boolean') return graph.bool(value);
  const int = value | 0;
  return value === int ? graph.i32(int) : graph.const('f32', value);
}

/** A number or boolean as JavaScript's arithmetic takes it: true is 1. */
export function asNumber(graph: Graph, value: Value): Node | undefined {
  if (!isNode(value)) return value.kind === 'choice' ? value.number : undefined;
  return value.type === 'bool' ? graph.select(value, graph.i32(1), graph.i32(0)) : value;
}

/** The number as f32; constants are rounded here. */
export function asF32(graph: Graph, node: Node): Node {
  const value = constantOf(node);
  if (value !== undefined) return graph.f32(value as number);
  return node.type === 'i32' ? graph.op('toF32', node) : node;
}

/** The numerator and denominator of a quotient of two integers; `/` has made both f32. */
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

/** True where an f32 can only be a whole number. */
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

/** JavaScript's ToInt32 of a constant; of anything else the truncated, saturated i32. */
export function asInt(graph: Graph, node: Node): Node {
  if (node.type === 'i32') return node;
  const value = constantOf(node);
  if (value !== undefined) return graph.i32((value as number) | 0);
  const quotient = intQuotient(graph, node);
  return quotient ? graph.op('idiv', ...quotient) : graph.op('toI32', node);
}
