import { didYouMean } from '@heed/core/kernel';
import type { Identifier } from 'acorn';
import { type Context, refuse } from './context.ts';
import { narrow } from './facts.ts';
import { literal } from './number.ts';
import { refuseName } from './refused.ts';
import type { Variable } from './scope.ts';
import { UNDEFINED, type Value } from './value.ts';

/** The value of a name: a variable of the mod, or one of the four globals that every mod may use. */
export function identifier(cx: Context, node: Identifier): Value {
  const variable = cx.scope.find(node.name);
  if (variable) return held(cx, variable);
  switch (node.name) {
    case 'Math':
      return { kind: 'math' };
    case 'Infinity':
      return literal(cx.graph, Infinity);
    case 'NaN':
      return literal(cx.graph, NaN);
    case 'undefined':
      return UNDEFINED;
    default:
      return refuse(cx, node, ...refuseName(node.name, didYouMean(node.name, cx.scope.all)));
  }
}

/** What a variable holds here. */
export function held({ facts, flow, budget }: Context, variable: Variable): Value {
  return narrow(facts, budget, flow.vars.get(variable) ?? UNDEFINED);
}
