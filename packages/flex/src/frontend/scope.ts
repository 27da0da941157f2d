import type { Value } from './value.ts';

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
