import type { Node } from '../ir/node.ts';
import { choose } from './choose.ts';
import type { Context } from './context.ts';
import { forkFlow, leftWhen, mergeFlows, rejoinFlows } from './flow.ts';
import { isNode, type Value } from './value.ts';

/** Runs the parts of an expression that are reached only where the condition holds, and only where it does not. */
export function branch(
  cx: Context,
  condition: Node,
  then: () => Value,
  otherwise: () => Value,
): Value {
  if (condition.op === 'const') return condition.data === true ? then() : otherwise();
  const start = cx.flow;
  const a = runAside(cx, condition, true, then);
  const taken = cx.flow;
  cx.flow = start;
  const b = runAside(cx, condition, false, otherwise);
  // An expression cannot leave the statement list, so the start's exits stand.
  const { vars } = mergeFlows(cx.graph, condition, taken, cx.flow);
  cx.flow = { ...start, vars };
  return choose(cx.graph, condition, a, b);
}

/** Runs what is reached where the condition holds, or does not, on a flow of its own. */
export function runAside<T>(cx: Context, condition: Node, holds: boolean, run: () => T): T {
  const { facts } = cx;
  cx.flow = forkFlow(cx, cx.flow);
  cx.facts = { condition, holds, before: facts };
  const result = run();
  cx.facts = facts;
  return result;
}

/** What is made of a value, on each path that gives it another. */
export function onEachPath(cx: Context, value: Value, use: (value: Value) => Value): Value {
  if (isNode(value) || value.kind !== 'choice') return use(value);
  const { condition, a, b } = value;
  return branch(
    cx,
    condition,
    () => onEachPath(cx, a, use),
    () => onEachPath(cx, b, use),
  );
}

/** Runs what comes next, where the run has not left the way there. Constants stay constants there. */
export function whereNotLeft(cx: Context, next: () => void): void {
  const { graph, flow: before } = cx;
  const left = leftWhen(graph, before);
  if (left.data === true) return;
  if (left.data === false) return next();
  runAside(cx, left, false, next);
  cx.flow = rejoinFlows(graph, left, before, cx.flow);
}
