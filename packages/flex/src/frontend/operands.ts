import type { Node } from '../ir/node.ts';
import { type Context, refuse, refuseFault } from './context.ts';
import type { Place } from './diagnostic.ts';
import { describe, faultOf, isNode, isUndefined, type Value } from './value.ts';

/** A number or boolean. @throws CompileError it is something else */
export function nodeOf(cx: Context, value: Value, at: Place): Node {
  if (isNode(value)) return value;
  const remedy =
    value.kind === 'table' ? 'Index every dimension: c.table[i][j].' : 'Use a number here.';
  refuseFault(cx, at, faultOf(value) ?? { rule: `${describe(value)} is not a number`, remedy });
}

/** Whether there is a value. @throws CompileError there is one on some paths only, or not always of one type */
export function isAbsent(cx: Context, value: Value, at: Place): boolean {
  if (!isNode(value) && value.kind === 'unusable') refuseFault(cx, at, value.why);
  return isUndefined(value);
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
  if (isUndefined(value) && !value.why) return cx.graph.bool(false);
  const node = nodeOf(cx, value, at);
  const { graph } = cx;
  if (node.type === 'bool') return node;
  if (node.op === 'const') return graph.bool(Boolean(node.data));
  // Not `!= 0`, which holds for NaN.
  if (node.type === 'f32') return graph.op('lt', graph.f32(0), graph.op('abs', node));
  return graph.op('ne', node, graph.i32(0));
}
