import { didYouMean } from '@heed/core/kernel';
import type { Identifier } from 'acorn';
import { type Context, refuse } from './context.ts';
import type { Place } from './diagnostic.ts';
import { narrow } from './facts.ts';
import { literal } from './number.ts';
import { refuseName } from './refused.ts';
import type { Variable } from './scope.ts';
import { UNDEFINED, type Value } from './value.ts';

/** The value of a name: a variable of the mod, or one of the globals that every mod may use. */
export function identifier(cx: Context, node: Identifier): Value {
  const variable = cx.scope.find(node.name);
  if (variable) return held(cx, variable, node);
  switch (node.name) {
    case 'Math':
      return { kind: 'math' };
    case 'Infinity':
      return literal(cx.graph, Infinity);
    case 'NaN':
      return literal(cx.graph, NaN);
    case 'undefined':
      return UNDEFINED;
    case 'Number':
    case 'Boolean':
      return { kind: 'conversion', to: node.name === 'Number' ? 'number' : 'boolean' };
    default:
      return refuse(cx, node, ...refuseName(node.name, didYouMean(node.name, cx.scope.all)));
  }
}

/** What a variable holds here. @throws CompileError it is only declared further on */
export function held(cx: Context, variable: Variable, at: Place): Value {
  const value = cx.flow.vars.get(variable);
  if (value) return narrow(cx.facts, cx.budget, value);
  const rule = `${variable.name} is used before it is declared`;
  return refuse(
    cx,
    at,
    rule,
    'Declare it further up; if another one is meant, rename one of them.',
  );
}
