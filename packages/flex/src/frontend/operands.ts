import type { Node } from '../ir/node.ts';
import { type Context, refuseFault } from './context.ts';
import type { Place } from './diagnostic.ts';
import { asNumber } from './number.ts';
import { describe, faultOf, isNode, isUndefined, type Value } from './value.ts';

/** A number or boolean. @throws CompileError it is something else */
export function nodeOf(cx: Context, value: Value, at: Place): Node {
  if (isNode(value)) return value;
  const remedy =
    value.kind === 'table' ? 'Index every dimension: c.table[i][j].' : 'Use a number here.';
  refuseFault(cx, at, faultOf(value) ?? { rule: `${describe(value)} is not a number`, remedy });
}

/** Whether there is a value. @throws CompileError there is one on some paths only */
export function isAbsent(cx: Context, value: Value, at: Place): boolean {
  if (isNode(value)) return false;
  if (value.kind === 'choice') {
    const [a, b] = [isAbsent(cx, value.a, at), isAbsent(cx, value.b, at)];
    return a === b ? a : refuseFault(cx, at, value.why);
  }
  return value.kind === 'unusable' ? refuseFault(cx, at, value.why) : isUndefined(value);
}

/** A number, as arithmetic takes it. @throws CompileError it is neither that nor a boolean */
export function numberOf(cx: Context, value: Value, at: Place): Node {
  return asNumber(cx.graph, value) ?? nodeOf(cx, value, at);
}

/** What JavaScript takes a value for in a condition. */
export function truthOf(cx: Context, value: Value, at: Place): Node {
  if (isUndefined(value) && !value.why) return cx.graph.bool(false);
  const { graph } = cx;
  if (isNode(value)) {
    if (value.type === 'bool') return value;
  } else if (value.kind === 'choice' && value.number) {
    // Of `n || near` each part's truth, so that what follows from it is known.
    return graph.select(value.condition, truthOf(cx, value.a, at), truthOf(cx, value.b, at));
  }
  const node = numberOf(cx, value, at);
  if (node.op === 'const') return graph.bool(Boolean(node.data));
  // Not `!= 0`, which holds for NaN.
  if (node.type === 'f32') return graph.op('lt', graph.f32(0), graph.op('abs', node));
  return graph.op('ne', node, graph.i32(0));
}
