import type { Expression } from 'acorn';
import { branch } from './branch.ts';
import { type Context, refuseConstruct } from './context.ts';
import { isAbsent } from './operands.ts';
import { UNDEFINED, type Value } from './value.ts';

/**
 * Runs an expression whose value nobody reads. Minifiers join what has effects by whatever is shortest: commas,
 * conditions, arrays; no value has to be of any type there.
 */
export function runForEffects(cx: Context, node: Expression): Value {
  cx.budget.enter();
  run(cx, node);
  cx.budget.leave();
  return UNDEFINED;
}

function run(cx: Context, node: Expression): void {
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
