import { constantOf, type Node } from '../ir/node.ts';
import { isNode, type Value } from './value.ts';

/** Conditions whose outcome is known at one point of the source, since a branch on them led there. */
export interface Facts {
  readonly condition: Node;
  readonly holds: boolean;
  readonly before: Facts | undefined;
}

/** The facts where a branch on `condition` was taken, or was not. */
export function learn(before: Facts | undefined, condition: Node, holds: boolean): Facts {
  const { op, args } = condition;
  if (op === 'not') return learn(before, args[0]!, !holds);
  const isBoth = op === (holds ? 'and' : 'or');
  if (isBoth) return learn(learn(before, args[0]!, holds), args[1]!, holds);
  return { condition, holds, before };
}

/** What a value is where these facts hold: of a choice the side that led here, if that is known. */
export function narrow(facts: Facts | undefined, value: Value): Value {
  if (isNode(value) || value.kind !== 'choice') return value;
  const holds = outcome(facts, value.condition);
  return holds === undefined ? value : narrow(facts, holds ? value.a : value.b);
}

function outcome(facts: Facts | undefined, condition: Node): boolean | undefined {
  for (let fact = facts; fact; fact = fact.before) {
    if (fact.condition === condition) return fact.holds;
  }
  const { op, args } = condition;
  const parts = op === 'and' || op === 'or' || op === 'not' ? args : [];
  const outcomes = parts.map((part) => outcome(facts, part));
  switch (op) {
    case 'not':
      return outcomes[0] === undefined ? undefined : !outcomes[0];
    case 'and':
      if (outcomes.includes(false)) return false;
      return outcomes.includes(undefined) ? undefined : true;
    case 'or':
      if (outcomes.includes(true)) return true;
      return outcomes.includes(undefined) ? undefined : false;
    default:
      return constantOf(condition) as boolean | undefined;
  }
}
