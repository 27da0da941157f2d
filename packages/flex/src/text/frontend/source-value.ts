import type { Node, TableSlot } from '../ir/expression-node.ts';
import type { Place } from './compile-diagnostic.ts';
import type { CaptureMap, ParsedFunction, Source, Unit } from './mod-source.ts';

/** The value of an expression during translation. Only numbers and booleans become nodes. */
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

/** A function written inside the mod, or a captured function after parsing. */
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

/** The error that the use of a value causes. */
export interface Fault {
  readonly rule: string;
  readonly remedy: string;
  /** The range of the cause, if the error is not reported where the value is used. */
  readonly from?: { readonly source: Source; readonly at: Place };
}

/** `undefined`, or a missing capture. */
export interface UndefinedValue {
  readonly kind: 'undefined';
  readonly why?: Fault;
}

/** `[a, b]`, which must be destructured at once. */
interface ListValue {
  readonly kind: 'list';
  readonly items: readonly Value[];
}

/** A value that exists on some paths only. */
export interface UnusableValue {
  readonly kind: 'unusable';
  readonly why: Fault;
}

/**
 * One of two values that cannot be one node. It is an error only where one number is needed: minified code has conditional
 * expressions whose values are unused, or are tables or functions.
 */
export interface ChoiceValue {
  readonly kind: 'choice';
  readonly condition: Node;
  readonly a: Value;
  readonly b: Value;
  /** The number of values that it chooses among. */
  readonly choices: number;
  /** The error where a single value is needed. */
  readonly why: Fault;
  /** The value for arithmetic, if all choices are numbers or booleans. */
  readonly number?: Node;
}

export const UNDEFINED: UndefinedValue = { kind: 'undefined' };

export function isNode(value: Value): value is Node {
  return 'op' in value;
}

export function isUndefined(value: Value): value is UndefinedValue {
  return !isNode(value) && value.kind === 'undefined';
}

/** Returns why a value cannot be used. */
export function faultOf(value: Value): Fault | undefined {
  return 'why' in value ? value.why : undefined;
}

/** Names a value in words, for messages. */
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

/** A name of the source, in the block that declares it. Its value is in the {@link Flow}. */
export interface Variable {
  readonly name: string;
  readonly constant: boolean;
}

/** The names of a block. */
export class Scope {
  readonly #names = new Map<string, Variable>();
  readonly #parent: Scope | undefined;
  /** The scope in which `var` declares: the outermost block of the function. */
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

  /** Returns the variable that this block itself declares. */
  own(name: string): Variable | undefined {
    return this.#names.get(name);
  }

  /** Copies the block with new variables: each turn of a loop has its own. */
  renewed(renew: (from: Variable, to: Variable) => void): Scope {
    const scope = new Scope(this.#parent, false);
    for (const [name, from] of this.#names) renew(from, scope.declare(name, from.constant));
    return scope;
  }

  /** All names that are visible in this block. */
  get all(): string[] {
    return [...this.#names.keys(), ...(this.#parent?.all ?? [])];
  }

  find(name: string): Variable | undefined {
    return this.#names.get(name) ?? this.#parent?.find(name);
  }
}

export type Variables = Map<Variable, Value>;
