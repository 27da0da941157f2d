import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { asF32 } from './number.ts';
import { describe, faultOf, isNode, type UnusableValue, type Value } from './value.ts';

/**
 * `a` where the condition holds, else `b`. Where no one type serves both, a value that may not be used: minified code
 * has conditional expressions whose values nobody reads.
 */
export function choose(graph: Graph, condition: Node, a: Value, b: Value): Value {
  if (a === b || condition.data === true) return a;
  if (condition.data === false) return b;
  if (!isNode(a) || !isNode(b) || (a.type === 'bool') !== (b.type === 'bool')) return mixed(a, b);
  if (a.type === b.type) return graph.select(condition, rounded(graph, a), rounded(graph, b));
  return graph.select(condition, asF32(graph, a), asF32(graph, b));
}

const rounded = (graph: Graph, node: Node): Node =>
  node.type === 'f32' ? asF32(graph, node) : node;

function mixed(a: Value, b: Value): UnusableValue {
  const rule = `the value is ${describe(a)} on one path and ${describe(b)} on another`;
  const remedy = 'Give it the same type on every path.';
  return { kind: 'unusable', why: faultOf(a) ?? faultOf(b) ?? { rule, remedy } };
}
