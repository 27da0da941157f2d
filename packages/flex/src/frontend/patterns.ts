import type { Expression, Pattern, Property } from 'acorn';
import { type Context, refuse, refuseConstruct, refuseReading } from './context.ts';
import type { Place } from './diagnostic.ts';
import { keyName, propertyOf } from './member.ts';
import { describe, isNode, isUndefined, UNDEFINED, type Value } from './value.ts';

export interface Declare {
  /** Gives a name its value in the scope that it belongs to. */
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
      // `[][0] = x`, where uglify puts what nobody reads.
      if (pattern.object.type === 'ArrayExpression' && !pattern.object.elements[0]) return;
      break;
    case 'RestElement':
  }
  refuseConstruct(cx, pattern, pattern.type);
}

/** What a pattern is to be bound to; an array only where it is taken apart. */
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
