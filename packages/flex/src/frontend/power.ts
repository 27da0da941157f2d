import { constantOf, type Graph, isConstant, type Node } from '../ir/node.ts';
import { asF32 } from './number.ts';

/** Exponents up to this become products, which keep integers integers and signs right. */
const MAX_PRODUCT = 16;

/** `a ** b`, not both constant. */
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
