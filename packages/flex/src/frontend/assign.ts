import type {
  AssignmentExpression,
  Identifier,
  LogicalExpression,
  MemberExpression,
  Node,
  Pattern,
  UpdateExpression,
} from 'acorn';
import { type Context, refuse } from './context.ts';
import { literal } from './number.ts';
import { held } from './identifier.ts';
import { numberOf } from './operands.ts';
import { binary } from './operators.ts';
import { bindPattern, valueFor } from './patterns.ts';
import type { Place } from './diagnostic.ts';
import type { Variable } from './scope.ts';
import type { Value } from './value.ts';

/** How `&&`, `||` and `??` go on, which belongs to expressions. */
type Logical = (
  cx: Context,
  operator: LogicalExpression['operator'],
  left: Value,
  right: () => Value,
  at: Pick<LogicalExpression, 'left'>,
) => Value;

/** `x = y`, `x += y`, `x ??= y` and their like. */
export function assign(cx: Context, node: AssignmentExpression, logical: Logical): Value {
  const { left } = node;
  if (left.type === 'ArrayPattern' || left.type === 'ObjectPattern') {
    const all = valueFor(cx, left, node.right);
    bindPattern(cx, left, all, (name, one, at) => store(cx, variableOf(cx, name, at), one));
    return all;
  }
  const variable = target(cx, left);
  const operator = node.operator.slice(0, -1);
  const value = (): Value => cx.evaluate(node.right);
  if (operator === '') return store(cx, variable, value());
  const before = held(cx, variable, left);
  if (operator === '&&' || operator === '||' || operator === '??') {
    const at = { left: node.left as LogicalExpression['left'] };
    return logical(cx, operator, before, () => store(cx, variable, value()), at);
  }
  return store(cx, variable, binary(cx, operator, before, value(), node));
}

/** `x++` and its like. */
export function update(cx: Context, node: UpdateExpression): Value {
  const variable = target(cx, node.argument);
  const before = numberOf(cx, held(cx, variable, node.argument), node.argument);
  const step = literal(cx.graph, 1);
  const after = binary(cx, node.operator === '++' ? '+' : '-', before, step, node);
  store(cx, variable, after);
  return node.prefix ? after : before;
}

function store(cx: Context, variable: Variable, value: Value): Value {
  cx.flow.vars.set(variable, value);
  return value;
}

function target(cx: Context, node: Pattern | Node): Variable {
  if (node.type !== 'Identifier') {
    // The counters of coverage tools are refused here, by name.
    if (node.type === 'MemberExpression') cx.evaluate(node as MemberExpression);
    const rule = 'only variables of the mod can be assigned to';
    refuse(cx, node, rule, 'Mods read tables and captures; they return what they compute.');
  }
  return variableOf(cx, (node as Identifier).name, node);
}

function variableOf(cx: Context, name: string, at: Place): Variable {
  const variable = cx.scope.find(name);
  if (!variable) {
    refuse(cx, at, `${name} is not declared in the mod`, `Declare it: let ${name} = 0.`);
  }
  if (variable.constant) {
    refuse(cx, at, `${name} is a constant`, `Declare it with let.`);
  }
  held(cx, variable, at);
  return variable;
}
