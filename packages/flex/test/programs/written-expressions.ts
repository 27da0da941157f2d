// Random source text of expressions over the captures of world.ts.

/** The type of an expression. */
export type Kind = 'int' | 'float' | 'bool';

export interface Helper {
  readonly name: string;
  readonly takes: readonly Kind[];
  /** How many of them have no default. */
  readonly needed: number;
  readonly gives: Kind;
}

export interface Names {
  readonly int: readonly string[];
  readonly float: readonly string[];
  readonly bool: readonly string[];
  readonly helpers: readonly Helper[];
  /** Those of `let`, which may be assigned to. */
  readonly variables: readonly (readonly [name: string, kind: Kind])[];
}

/** Writes expressions as people write them, and chooses among alternatives. */
export class ExpressionWriter {
  readonly #below: (n: number) => number;
  readonly #prefix: string;
  #names = 0;
  constructor(below: (n: number) => number, prefix = 'v') {
    this.#below = below;
    this.#prefix = prefix;
  }

  one<T>(...of: readonly T[]): T {
    return of[this.#below(of.length)]!;
  }

  chance(of: number): boolean {
    return this.#below(of) === 0;
  }

  number(low: number, high: number): number {
    return low + this.#below(high - low + 1);
  }

  name(): string {
    return `${this.#prefix}${this.#names++}`;
  }

  kind(): Kind {
    return this.one<Kind>('int', 'int', 'float', 'bool');
  }

  of(kind: Kind, names: Names, depth: number): string {
    const helper = names.helpers.filter(({ gives }) => gives === kind);
    if (helper.length > 0 && depth > 0 && this.chance(3))
      return this.#call(this.one(...helper), names, depth);
    if (depth > 0 && this.chance(9)) return this.#choice(kind, names, depth - 1);
    if (kind === 'bool') return this.#bool(names, depth);
    return kind === 'int' ? this.#int(names, depth) : this.#float(names, depth);
  }

  #call({ name, takes, needed }: Helper, names: Names, depth: number): string {
    const count = this.number(needed, takes.length);
    const args = takes.slice(0, count).map((kind) => this.of(kind, names, Math.min(depth - 1, 1)));
    return `${name}(${args.join(', ')})`;
  }

  #choice(kind: Kind, names: Names, depth: number): string {
    const test = this.of('bool', names, depth);
    const other = this.chance(3)
      ? this.#choice(kind, names, Math.max(depth - 1, 0))
      : this.of(kind, names, depth);
    return `(${test} ? ${this.of(kind, names, depth)} : ${other})`;
  }

  #int(names: Names, depth: number): string {
    if (depth <= 0) {
      return this.one(this.one(...names.int), this.one(...names.int), String(this.number(0, 9)));
    }
    const a = (): string => this.of('int', names, depth - 1);
    const k = this.number(1, 7);
    switch (this.number(0, 13)) {
      case 11:
        return `(${a()} >>> ${this.number(8, 20)})`;
      case 12:
        return this.one(
          `Math.imul(${a()}, 0x9e3779b1)`,
          `Math.clz32(${a()})`,
          `Math.trunc(${a()} / ${k})`,
          `c['ids'][${a()}]`,
        );
      case 0:
        return `(${a()} - ${a()})`;
      case 1:
        return `(${a()} ${this.one('+', '*', '&', '|', '^')} ${a()})`;
      case 2:
        return `Math.abs(${a()} - ${a()})`;
      case 3:
        return `Math.floor(${a()} / ${k})`;
      case 4:
        return `(${a()} % ${k})`;
      case 5:
        return `Math.${this.one('min', 'max')}(${a()}, ${a()})`;
      case 6:
        return `c.ids[${a()}]`;
      case 7:
        return `(${this.of('bool', names, depth - 1)} ? ${this.one('1 : 0', '0 : 1', '1 : -1', '2 : 0')})`;
      case 8:
        return `(${a()} ${this.one('<<', '>>')} ${this.number(0, 3)})`;
      case 9:
        return `c.grid[${a()}][${a()}]`;
      case 10:
        return this.one(`-(${a()})`, `~(${a()})`, `(${a()} / ${k} | 0)`, `~~(${a()} / ${k})`);
      default:
        return `(${a()} + ${k})`;
    }
  }

  #float(names: Names, depth: number): string {
    if (depth <= 0)
      return this.one(this.one(...names.float), this.one('0.5', '0.25', '1e3', '-2.5'));
    const a = (): string => this.of('float', names, depth - 1);
    const n = (): string => this.of(this.one<Kind>('float', 'int'), names, depth - 1);
    switch (this.number(0, 12)) {
      case 10:
        return this.one(
          `c.twice(${n()})`,
          `c.limit(${a()}, c)`,
          `(${a()}) ** 2`,
          `Math.pow(${a()}, 3)`,
        );
      case 11:
        return `Math[${this.one("'max'", '`min`')}](${n()}, ${this.one('0.1', '1e-3', '-1 / 8', '0x10', 'Math.E')})`;
      case 12:
        return `((x, y = ${n()}) => ${this.one('x + y', '{ const z = x * y; return z - x; }')})(${a()})`;
      case 0:
        return `(${a()} ${this.one('+', '-', '*')} ${n()})`;
      case 1:
        return `(${n()} ${this.one('+', '-', '*')} ${a()})`;
      case 2:
        return `${n()} / ${this.one('2', '0.5', 'c.n', '3')}`;
      case 3:
        return `Math.${this.one('min', 'max')}(${n()}, ${a()})`;
      case 4:
        return `Math.${this.one('abs', 'floor', 'ceil', 'tanh', 'exp', 'cos', 'sign', 'sqrt')}(${a()})`;
      case 5:
        return `c.bias[${this.of('int', names, depth - 1)}]`;
      case 6:
        return `c.half[${this.of('int', names, 0)}][${this.of('int', names, depth - 1)}]`;
      case 7:
        return `(${this.of('bool', names, depth - 1)} ? ${a()} : ${this.one('0', '-Infinity', '1', a())})`;
      case 8:
        return `${this.one('0.125', '(1 / 3)', '2 ** -0.5', 'Math.PI')} * ${n()}`;
      default:
        return `-(${a()})`;
    }
  }

  #bool(names: Names, depth: number): string {
    if (depth <= 0) {
      const [a, b] = [this.one(...names.int), this.one(...names.int)];
      return this.one(`${a} ${this.one('<', '>=', '===')} ${b}`, this.one(...names.bool));
    }
    const a = (): string => this.of('bool', names, depth - 1);
    const i = (): string => this.of('int', names, depth - 1);
    const f = (): string => this.of('float', names, depth - 1);
    const compare = this.one('<', '<=', '>', '>=', '===', '!==');
    switch (this.number(0, 9)) {
      case 8:
        return this.one(
          `c.n > 2 && ${a()}`,
          `!(${a()} || ${a()})`,
          `!(${a()} && ${a()})`,
          `(${i()}) === 0`,
        );
      case 0:
        return `${i()} ${compare} ${i()}`;
      case 1:
        return `${f()} ${compare} ${f()}`;
      case 2:
        return `(${a()} && ${a()})`;
      case 3:
        return `(${a()} || ${a()})`;
      case 4:
        return `!(${a()})`;
      case 5:
        return `(${i()} & ${this.number(1, 4)}) !== 0`;
      case 6:
        return `(${a()}) ${this.one('===', '!==')} (${a()})`;
      case 7:
        return this.one(`!!(${i()} & 1)`, `(${a()} ? ${this.one('true : false', 'false : true')})`);
      default:
        return `Math.abs(${i()} - ${i()}) <= ${this.number(0, 9)}`;
    }
  }
}
