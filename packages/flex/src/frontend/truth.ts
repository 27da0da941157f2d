import type { Expression, LogicalExpression } from 'acorn';
import type { Node } from '../ir/node.ts';
import { branch } from './branch.ts';
import type { Context } from './context.ts';
import { runForEffects } from './effects.ts';
import { truthOf } from './operands.ts';

/** Whether an expression is true where only that is asked: its parts need not be of one type, as in `n || near`. */
export function truthOfExpression(cx: Context, node: Expression): Node {
  switch (node.type) {
    case 'LogicalExpression':
      if (node.operator !== '??') return chain(cx, node);
      break;
    case 'ConditionalExpression': {
      const { consequent, alternate } = node;
      const test = cx.truth(node.test);
      return branch(
        cx,
        test,
        () => cx.truth(consequent),
        () => cx.truth(alternate),
      ) as Node;
    }
    case 'UnaryExpression':
      if (node.operator === '!') return cx.graph.not(cx.truth(node.argument));
      break;
    case 'SequenceExpression':
      for (const part of node.expressions.slice(0, -1)) runForEffects(cx, part);
      return cx.truth(node.expressions.at(-1)!);
    default:
  }
  return truthOf(cx, cx.evaluate(node), node);
}

/** `a && b && c …`, which lies as deep as it is long: from the innermost left outwards. */
function chain(cx: Context, outermost: LogicalExpression): Node {
  const links: LogicalExpression[] = [];
  let at: Expression = outermost;
  for (; at.type === 'LogicalExpression' && at.operator !== '??'; at = at.left) links.push(at);
  let known = cx.truth(at);
  for (const { operator, right } of links.toReversed()) {
    const [left, next] = [known, (): Node => cx.truth(right)];
    const [then, otherwise] = operator === '&&' ? [next, () => left] : [() => left, next];
    known = branch(cx, left, then, otherwise) as Node;
  }
  return known;
}
