import type { Node, TableSlot } from '../ir/expression-node.ts';
import type { Place } from './compile-diagnostic.ts';
import type { CaptureMap, ParsedFunction, Source, Unit } from './mod-source.ts';

/** What an expression of the source stands for while it is translated. Only numbers and booleans become nodes. */
export type Value =
  | Node
  | TableValue
  | CapturesValue
  | ClosureValue
  | BuiltinValue
  | ConversionValue
  | UnitValue
  | UndefinedValue
  | UnusableValue
  | ChoiceValue
  | ListValue
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
interface BuiltinValue {
  readonly kind: 'builtin';
  readonly name: string;
}

/** `Number` and `Boolean`, called. */
export interface ConversionValue {
  readonly kind: 'conversion';
  readonly to: 'number' | 'boolean';
}

/** A captured function. */
interface UnitValue {
  readonly kind: 'unit';
  readonly unit: Unit;
}

/** What is wrong with a value, which only matters once it is used. */
export interface Fault {
  readonly rule: string;
  readonly remedy: string;
  /** Where it arose, if that is not where the value is used. */
  readonly from?: { readonly source: Source; readonly at: Place };
}

/** `undefined`, or a capture that is not there. */
export interface UndefinedValue {
  readonly kind: 'undefined';
  readonly why?: Fault;
}

/** `[a, b]`, which is there to be taken apart at once. */
interface ListValue {
  readonly kind: 'list';
  readonly items: readonly Value[];
}

/** What may be there, and may not. */
export interface UnusableValue {
  readonly kind: 'unusable';
  readonly why: Fault;
}

/**
 * One of two values that no node serves, which only matters once it is used: minified code has conditional expressions
 * whose values nobody reads, and such of tables and functions.
 */
export interface ChoiceValue {
  readonly kind: 'choice';
  readonly condition: Node;
  readonly a: Value;
  readonly b: Value;
  /** How many values it may be. */
  readonly choices: number;
  /** What is wrong where one value is needed. */
  readonly why: Fault;
  /** The value as arithmetic takes it, if it is a number or a boolean. */
  readonly number?: Node;
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
    case 'list':
      return 'an array';
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

/** A name of the source, in the block that declares it. Its value is part of the {@link Flow}. */
export interface Variable {
  readonly name: string;
  readonly constant: boolean;
}

/** The names of a block. */
export class Scope {
  readonly #names = new Map<string, Variable>();
  readonly #parent: Scope | undefined;
  /** Where `var` declares: the function's outermost block. */
  readonly ofFunction: Scope;

  constructor(parent: Scope | undefined, isFunction: boolean) {
    this.#parent = parent;
    this.ofFunction = isFunction || parent === undefined ? this : parent.ofFunction;
  }

  declare(name: string, constant: boolean): Variable {
    const variable = { name, constant };
    this.#names.set(name, variable);
    return variable;
  }

  /** The variable of this very block. */
  own(name: string): Variable | undefined {
    return this.#names.get(name);
  }

  /** The block again with variables of its own, as each turn of a loop has them. */
  renewed(renew: (from: Variable, to: Variable) => void): Scope {
    const scope = new Scope(this.#parent, false);
    for (const [name, from] of this.#names) renew(from, scope.declare(name, from.constant));
    return scope;
  }

  /** All names that can be seen from here. */
  get all(): string[] {
    return [...this.#names.keys(), ...(this.#parent?.all ?? [])];
  }

  find(name: string): Variable | undefined {
    return this.#names.get(name) ?? this.#parent?.find(name);
  }
}

export type Variables = Map<Variable, Value>;
