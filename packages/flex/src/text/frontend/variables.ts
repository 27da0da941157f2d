import { didYouMean } from '@heed/core/kernel';
import type {
  AssignmentExpression,
  Expression,
  Identifier,
  LogicalExpression,
  MemberExpression,
  Node,
  Pattern,
  Property,
  UpdateExpression,
} from 'acorn';
import { type Place, refuseName } from './compile-diagnostic.ts';
import { literal } from './js-number.ts';
import { keyName, propertyOf } from './member.ts';
import { binary, numberOf } from './operators.ts';
import {
  describe,
  isNode,
  isUndefined,
  UNDEFINED,
  type Value,
  type Variable,
} from './source-value.ts';
import {
  type Context,
  narrow,
  refuse,
  refuseConstruct,
  refuseReading,
} from './translation-context.ts';

/** Returns the value of a name: a variable of the mod, or a global that every mod may use. */
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

/** Returns the value of a variable. @throws CompileError it is declared further down */
function held(cx: Context, variable: Variable, at: Place): Value {
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

/** Translates `&&`, `||` and `??`; expressions.ts passes it in. */
type Logical = (
  cx: Context,
  operator: LogicalExpression['operator'],
  left: Value,
  right: () => Value,
  at: Pick<LogicalExpression, 'left'>,
) => Value;

/** Translates assignments: `x = y`, `x += y`, `x ??= y`. */
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

/** Translates `x++`, `++x`, `x--` and `--x`. */
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
    // Evaluated first for its error: counters of coverage tools are refused by name.
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

interface Declare {
  /** Assigns the value of a name in its scope. */
  (name: string, value: Value, at: Place): void;
}

/** Binds a parameter, a declaration or an assignment: a name, a default, `{ a, b: c = 1 }` of captures, info and Math, `[a] = [1]`. */
export function bindPattern(cx: Context, pattern: Pattern, value: Value, declare: Declare): void {
  switch (pattern.type) {
    case 'Identifier':
      return declare(pattern.name, value, pattern);
    case 'AssignmentPattern': {
      const bound = isUndefined(value) ? cx.evaluate(pattern.right) : value;
      return bindPattern(cx, pattern.left, bound, declare);
    }
    case 'ObjectPattern': {
      if (isNode(value) || !['captures', 'info', 'math'].includes(value.kind)) {
        const rule = `${describe(value)} cannot be destructured`;
        const remedy = 'Destructure captures, info or Math only.';
        if (isNode(value)) refuseReading(cx, pattern, rule, remedy);
        refuse(cx, pattern, rule, remedy);
      }
      for (const property of pattern.properties) bindProperty(cx, property, value, declare);
      return;
    }
    case 'ArrayPattern':
      if (isNode(value) || value.kind !== 'list') break;
      for (const [i, element] of pattern.elements.entries()) {
        if (element) bindPattern(cx, element, value.items[i] ?? UNDEFINED, declare);
      }
      return;
    case 'MemberExpression':
      // uglify writes `[][0] = x` for a value that is not used.
      if (pattern.object.type === 'ArrayExpression' && !pattern.object.elements[0]) return;
      break;
    case 'RestElement':
  }
  refuseConstruct(cx, pattern, pattern.type);
}

/** Evaluates the value that a pattern is bound to. An array literal is allowed only where it is destructured. */
export function valueFor(cx: Context, { type }: Pattern, init: Expression): Value {
  if (type !== 'ArrayPattern' || init.type !== 'ArrayExpression') return cx.evaluate(init);
  const items = init.elements.map((item) => (item ? cx.evaluate(item as Expression) : UNDEFINED));
  return { kind: 'list', items };
}

function bindProperty(
  cx: Context,
  property: { readonly type: string },
  value: Value,
  declare: Declare,
): void {
  const { key, computed, value: pattern } = property as Property & { readonly value: Pattern };
  if (property.type === 'RestElement') {
    refuseConstruct(cx, property as Property, property.type);
  }
  const name = keyName(key, computed);
  if (name === undefined) {
    refuse(cx, key, 'a computed name is not supported', 'Name the capture: { bias }.');
  }
  bindPattern(cx, pattern, propertyOf(cx, value, name, key), declare);
}
