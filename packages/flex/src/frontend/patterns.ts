import type { Expression, Pattern, Property } from 'acorn';
import { type Context, refuse, refuseConstruct } from './context.ts';
import { propertyOf } from './member.ts';
import { describe, isNode, isUndefined, type Value } from './value.ts';

export interface Declare {
  /** Gives a name its value in the scope that it belongs to. */
  (name: string, value: Value): void;
}

/** Binds a parameter or a declaration: a name, a default, or `{ a, b: c = 1 }` of captures, info and Math. */
export function bindPattern(cx: Context, pattern: Pattern, value: Value, declare: Declare): void {
  switch (pattern.type) {
    case 'Identifier':
      return declare(pattern.name, value);
    case 'AssignmentPattern': {
      const bound = isUndefined(value) ? cx.evaluate(pattern.right) : value;
      return bindPattern(cx, pattern.left, bound, declare);
    }
    case 'ObjectPattern': {
      if (isNode(value) || !['captures', 'info', 'math'].includes(value.kind)) {
        const rule = `${describe(value)} cannot be destructured`;
        refuse(cx, pattern, rule, 'Destructure captures, info or Math only.');
      }
      for (const property of pattern.properties) bindProperty(cx, property, value, declare);
      return;
    }
    default:
      return refuseConstruct(cx, pattern, pattern.type);
  }
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

function keyName(key: Expression, computed: boolean): string | undefined {
  if (key.type === 'Identifier' && !computed) return key.name;
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : undefined;
}
