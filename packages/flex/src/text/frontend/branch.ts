import type { Expression } from 'acorn';
import type { Node } from '../ir/expression-node.ts';
import { choose, forkFlow, leftWhen, mergeFlows, rejoinFlows } from './flow.ts';
import { isAbsent } from './operators.ts';
import { isNode, UNDEFINED, type Value } from './source-value.ts';
import { type Context, refuseConstruct } from './translation-context.ts';

/** Evaluates `then` where the condition holds and `otherwise` where it does not, and merges both flows. */
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
  // An expression cannot leave the statement list, so the exits of the start remain.
  const { vars } = mergeFlows(cx.graph, condition, taken, cx.flow);
  cx.flow = { ...start, vars };
  return choose(cx.graph, condition, a, b);
}

/** Runs code that is reached only where the condition has that outcome, on a separate flow. */
export function runAside<T>(cx: Context, condition: Node, holds: boolean, run: () => T): T {
  const { facts } = cx;
  cx.flow = forkFlow(cx, cx.flow);
  cx.facts = { condition, holds, before: facts };
  const result = run();
  cx.facts = facts;
  return result;
}

/** Applies `use` to the value of each path, where paths give different values. */
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

/** Runs the code that follows where no path has left yet. Constants stay constants there. */
export function whereNotLeft(cx: Context, next: () => void): void {
  const { graph, flow: before } = cx;
  const left = leftWhen(graph, before);
  if (left.data === true) return;
  if (left.data === false) return next();
  runAside(cx, left, false, next);
  cx.flow = rejoinFlows(graph, left, before, cx.flow);
}

/**
 * Runs an expression whose value is not used. Minifiers join effects by the shortest construct, such as commas, conditions and
 * arrays, so the values in it may have any type.
 */
export function runForEffects(cx: Context, node: Expression): Value {
  cx.budget.enter();
  runParts(cx, node);
  cx.budget.leave();
  return UNDEFINED;
}

function runParts(cx: Context, node: Expression): void {
  switch (node.type) {
    case 'SequenceExpression':
      for (const expression of node.expressions) runForEffects(cx, expression);
      break;
    case 'ArrayExpression':
      for (const element of node.elements) {
        if (element?.type === 'SpreadElement') refuseConstruct(cx, element, element.type);
        if (element) runForEffects(cx, element);
      }
      break;
    case 'UnaryExpression':
      if (node.operator === 'delete') cx.evaluate(node);
      else runForEffects(cx, node.argument);
      break;
    case 'BinaryExpression': {
      const rights: Expression[] = [];
      let at: Expression = node;
      for (; at.type === 'BinaryExpression'; at = at.left as Expression) {
        if (at.operator.startsWith('in')) refuseConstruct(cx, at, at.operator);
        rights.push(at.right);
      }
      for (const part of [at, ...rights.toReversed()]) runForEffects(cx, part);
      break;
    }
    case 'LogicalExpression': {
      const right = (): Value => runForEffects(cx, node.right);
      if (node.operator === '??') {
        if (isAbsent(cx, cx.evaluate(node.left), node.left)) right();
        break;
      }
      const condition = cx.truth(node.left);
      if (node.operator === '&&') branch(cx, condition, right, () => UNDEFINED);
      else branch(cx, condition, () => UNDEFINED, right);
      break;
    }
    case 'ConditionalExpression':
      branch(
        cx,
        cx.truth(node.test),
        () => runForEffects(cx, node.consequent),
        () => runForEffects(cx, node.alternate),
      );
      break;
    default:
      cx.evaluate(node);
  }
}
