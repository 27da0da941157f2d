import type { Node } from '../ir/node.ts';
import { type Context, refuse } from './context.ts';
import type { Place } from './diagnostic.ts';
import { describe, isNode, type Value } from './value.ts';

/** A number or boolean. @throws CompileError it is something else */
export function nodeOf(cx: Context, value: Value, at: Place): Node {
  if (isNode(value)) return value;
  if (value.kind === 'undefined') {
    const { rule, remedy } = value.why ?? {
      rule: 'the value is undefined',
      remedy: 'Give it a number or a boolean.',
    };
    refuse(cx, at, rule, remedy);
  }
  const remedy =
    value.kind === 'table' ? 'Index every dimension: c.table[i][j].' : 'Use a number here.';
  refuse(cx, at, `${describe(value)} is not a number`, remedy);
}

export function numberOf(cx: Context, value: Value, at: Place): Node {
  const node = nodeOf(cx, value, at);
  if (node.type === 'bool') {
    refuse(cx, at, 'a boolean is not a number', 'Write condition ? 1 : 0.');
  }
  return node;
}

/** What JavaScript takes a value for in a condition. */
export function truthOf(cx: Context, value: Value, at: Place): Node {
  if (!isNode(value) && value.kind === 'undefined' && !value.why) return cx.graph.bool(false);
  const node = nodeOf(cx, value, at);
  const { graph } = cx;
  if (node.type === 'bool') return node;
  if (node.op === 'const') return graph.bool(Boolean(node.data));
  // Not `!= 0`, which holds for NaN.
  if (node.type === 'f32') return graph.op('lt', graph.f32(0), graph.op('abs', node));
  return graph.op('ne', node, graph.i32(0));
}
