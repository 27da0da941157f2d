import { didYouMean, knownNames } from '@heed/core/kernel';
import type { Expression, MemberExpression } from 'acorn';
import type { ModInput, Node, Op } from '../ir/expression-node.ts';
import { onEachPath } from './branch.ts';
import type { Place } from './compile-diagnostic.ts';
import { asInt, isWhole, literal } from './js-number.ts';
import type { Capture } from './mod-source.ts';
import { mathConstant, nodeOf } from './operators.ts';
import {
  type CapturesValue,
  describe,
  type Fault,
  isNode,
  isUndefined,
  type TableValue,
  type Value,
} from './source-value.ts';
import {
  type Context,
  refuse,
  refuseConstruct,
  refuseFault,
  refuseReading,
} from './translation-context.ts';

const infoFields: readonly ModInput[] = ['qLen', 'kvLen', 'qRow', 'kvRow'];

/** `object.name` and `object[index]`. */
export function member(cx: Context, node: MemberExpression): Value {
  if (node.object.type === 'Super') refuseConstruct(cx, node, 'Super');
  if (node.optional) refuseConstruct(cx, node, 'Chain');
  const object = cx.evaluate(node.object);
  const { property } = node;
  const name = keyName(property as Expression, node.computed);
  if (name !== undefined) return propertyOf(cx, object, name, property);
  const index = cx.evaluate(property as Expression);
  return onEachPath(cx, object, (one) => {
    const fault = isUndefined(one) && one.why;
    // The message names the missing table.
    if (fault) refuseFault(cx, node.object, fault);
    return elementOf(cx, one, index, property);
  });
}

/** Returns the name in a key: `c.bias`, `c['bias']` or c[`bias`]. */
export function keyName(key: Expression, computed: boolean): string | undefined {
  if (key.type === 'Identifier' && !computed) return key.name;
  if (key.type === 'Literal' && typeof key.value === 'string') return key.value;
  if (key.type !== 'TemplateLiteral' || key.expressions.length > 0) return undefined;
  return key.quasis[0]!.value.cooked ?? undefined;
}

/** `object.name`, in member expressions and in destructuring. */
export function propertyOf(cx: Context, object: Value, name: string, at: Place): Value {
  if (isNode(object)) return refuseProperty(cx, object, name, at);
  switch (object.kind) {
    case 'choice':
      return onEachPath(cx, object, (one) => propertyOf(cx, one, name, at));
    case 'captures':
      return captureOf(cx, object, name);
    case 'info':
      if (infoFields.includes(name as ModInput)) return cx.graph.input(name as ModInput);
      return refuseField(cx, name, at);
    case 'math': {
      const value = mathConstant(name);
      return value === undefined ? { kind: 'builtin', name } : literal(cx.graph, value);
    }
    default:
      return refuseProperty(cx, object, name, at);
  }
}

/** A name unlike every field of info may be meant for captures: the parameters may be misread. */
function refuseField(cx: Context, name: string, at: Place): never {
  const isNear = didYouMean(name, infoFields) !== '';
  const rule = `info has no ${name}`;
  const remedy = knownNames(name, infoFields);
  return isNear ? refuse(cx, at, rule, remedy) : refuseReading(cx, at, rule, remedy);
}

function refuseProperty(cx: Context, object: Value, name: string, at: Place): never {
  const remedy =
    name === 'length'
      ? 'Pass the size as a number in captures.'
      : 'Only captures, info and Math have properties.';
  const rule = `${describe(object)} has no property ${name}`;
  return isNode(object) ? refuseReading(cx, at, rule, remedy) : refuse(cx, at, rule, remedy);
}

/** A missing capture is undefined, so that `c.window ?? 128` works. It is an error only where it is used. */
function captureOf(cx: Context, { scopes }: CapturesValue, name: string): Value {
  const capture = scopes.map((scope) => scope.get(name)).find(Boolean);
  if (capture) return captured(cx, capture);
  const names = [...new Set(scopes.flatMap((scope) => [...scope.keys()]))];
  const remedy = `${knownNames(name, names)} Pass captures: { ${name} }.`;
  return { kind: 'undefined', why: { rule: `captures has no ${name}`, remedy } };
}

function captured({ graph }: Context, capture: Capture): Value {
  if (capture.kind === 'scalar') return graph.param(capture);
  if (capture.kind === 'function') return { kind: 'unit', unit: capture.unit };
  if (capture.rank === 0) return graph.read(capture, []);
  return { kind: 'table', slot: capture, indices: [] };
}

function elementOf(cx: Context, object: Value, index: Value, property: Place): Value {
  if (!isNode(object) && object.kind === 'table') return indexed(cx, object, index, property);
  if (isNode(object) && object.op === 'read' && 'rank' in (object.data as object)) {
    const { name, rank } = object.data as TableValue['slot'];
    const rule = `the table ${name} has ${rank} ${rank === 1 ? 'dimension' : 'dimensions'}; this is one index more`;
    refuse(cx, property, rule, 'Remove the last index.');
  }
  const rule = `${describe(object)} cannot be indexed`;
  return refuse(
    cx,
    property,
    rule,
    'Index tables with numbers, and name every capture: c.bias[h].',
  );
}

function indexed(cx: Context, { slot, indices }: TableValue, value: Value, property: Place): Value {
  const index = nodeOf(cx, value, property);
  if (index.type === 'bool') {
    // JavaScript would look for an element named 'true'.
    refuse(
      cx,
      property,
      'an index must be a number, and this is a boolean',
      'Write condition ? 1 : 0.',
    );
  }
  if (!isWhole(index)) {
    refuseFault(cx, property, fractionIn(cx, slot.name, index, property));
  }
  const all = [...indices, asInt(cx.graph, index)];
  if (all.length === slot.rank) return cx.graph.read(slot, all);
  return { kind: 'table', slot, indices: all };
}

const sums: readonly Op[] = ['add', 'sub', 'mul', 'min', 'max', 'neg', 'abs', 'select'];

/** Finds the part of an index in which the fraction arises: the innermost part that is not made of whole numbers. */
function fractionIn(
  { origins }: Context,
  table: string,
  index: Node,
  { start, end }: Place,
): Fault {
  let [node, from] = [index, origins.get(index)];
  while (sums.includes(node.op)) {
    node = node.args.find((arg) => arg.type === 'f32' && !isWhole(arg))!;
    from = origins.get(node) ?? from;
  }
  const remedy = 'Round it with Math.floor, or capture the tensor that it comes from as i32.';
  const isInside = !from || (from.at.start >= start && from.at.end <= end);
  const rule = isInside
    ? 'an index must be a whole number, and this may have a fraction'
    : `an index of ${table} must be a whole number, and this, which it is made of, may have a fraction`;
  return { rule, remedy, ...(from && { from }) };
}
