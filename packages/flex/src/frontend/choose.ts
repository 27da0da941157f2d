import type { Graph, Node } from '../ir/node.ts';
import { asF32, asNumber } from './number.ts';
import {
  type ChoiceValue,
  describe,
  faultOf,
  isNode,
  type UnusableValue,
  type Value,
} from './value.ts';

/** `a` where the condition holds, else `b`: a node where one type serves both. */
export function choose(graph: Graph, condition: Node, a: Value, b: Value): Value {
  if (a === b || condition.data === true) return a;
  if (condition.data === false) return b;
  const isOneType = isNode(a) && isNode(b) && (a.type === 'bool') === (b.type === 'bool');
  return isOneType ? select(graph, condition, a, b) : mixed(graph, condition, a, b);
}

/** Of two numbers or two booleans; an integer that meets a float becomes one. */
function select(graph: Graph, condition: Node, a: Node, b: Node): Node {
  const isFloat = a.type !== b.type || a.type === 'f32';
  return isFloat
    ? graph.select(condition, asF32(graph, a), asF32(graph, b))
    : graph.select(condition, a, b);
}

/** What is chosen among is used on each path by itself; more than this is not worth the code. */
const MAX_CHOICES = 32;

function mixed(graph: Graph, condition: Node, a: Value, b: Value): ChoiceValue | UnusableValue {
  const rule = `the value is ${describe(a)} on one path and ${describe(b)} on another`;
  const remedy = 'Give it the same type on every path.';
  const why = faultOf(a) ?? faultOf(b) ?? { rule, remedy };
  const choices = choicesOf(a) + choicesOf(b);
  if (choices > MAX_CHOICES) return { kind: 'unusable', why };
  const [x, y] = [asNumber(graph, a), asNumber(graph, b)];
  const number = x && y && { number: select(graph, condition, x, y) };
  return { kind: 'choice', condition, a, b, choices, why, ...number };
}

const choicesOf = (value: Value): number => ('choices' in value ? value.choices : 1);
