import type { Node } from '../ir/node.ts';
import type { TableSlot } from '../ir/slot.ts';
import type { Scope } from './scope.ts';
import type { ParsedFunction } from './source.ts';
import type { CaptureMap, Unit } from './unit.ts';

/** What an expression of the source stands for while it is translated. Only numbers and booleans become nodes. */
export type Value =
  | Node
  | TableValue
  | CapturesValue
  | ClosureValue
  | BuiltinValue
  | UnitValue
  | UndefinedValue
  | UnusableValue
  | { readonly kind: 'info' | 'math' };

/** A table, indexed in its first dimensions. */
export interface TableValue {
  readonly kind: 'table';
  readonly slot: TableSlot;
  readonly indices: readonly Node[];
}

/** The captures parameter: the first scope that has a name wins. */
export interface CapturesValue {
  readonly kind: 'captures';
  readonly scopes: readonly CaptureMap[];
}

/** A function written inside the mod, or a captured one once parsed. */
export interface ClosureValue extends ParsedFunction {
  readonly kind: 'closure';
  readonly scope: Scope;
}

/** A function of Math. */
export interface BuiltinValue {
  readonly kind: 'builtin';
  readonly name: string;
}

/** A captured function. */
export interface UnitValue {
  readonly kind: 'unit';
  readonly unit: Unit;
}

/** What is wrong with a value, which only matters once it is used. */
export interface Fault {
  readonly rule: string;
  readonly remedy: string;
}

/** `undefined`, or a capture that is not there. */
export interface UndefinedValue {
  readonly kind: 'undefined';
  readonly why?: Fault;
}

/** What may be a number, and may be something else. */
export interface UnusableValue {
  readonly kind: 'unusable';
  readonly why: Fault;
}

export const UNDEFINED: UndefinedValue = { kind: 'undefined' };

export function isNode(value: Value): value is Node {
  return 'op' in value;
}

export function isUndefined(value: Value): value is UndefinedValue {
  return !isNode(value) && value.kind === 'undefined';
}

/** Why a value that is there cannot be used. */
export function faultOf(value: Value): Fault | undefined {
  return 'why' in value ? value.why : undefined;
}

/** The value in words, for messages. */
export function describe(value: Value): string {
  if (isNode(value)) return value.type === 'bool' ? 'a boolean' : 'a number';
  switch (value.kind) {
    case 'table':
      return `the table ${value.slot.name} with ${value.indices.length} of its ${value.slot.rank} indices`;
    case 'captures':
      return 'the captures object';
    case 'info':
      return 'the info object';
    case 'math':
      return 'the Math object';
    case 'undefined':
      return 'undefined';
    default:
      return 'a function';
  }
}
