import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';

/** What a mod as people write it may read; world.ts has captures of these names. */
type Kind = 'int' | 'float' | 'bool';

/** The captures that these mods read beside those of world.ts. */
export const functions = {
  twice: (x: number): number => 2 * x,
  limit: (x: number, { low, high = 5 }: { low: number; high?: number }): number =>
    Math.min(Math.max(x, low), high),
  low: -2,
};

interface Helper {
  readonly name: string;
  readonly takes: readonly Kind[];
  /** How many of them have no default. */
  readonly needed: number;
  readonly gives: Kind;
}

interface Names {
  readonly int: readonly string[];
  readonly float: readonly string[];
  readonly bool: readonly string[];
  readonly helpers: readonly Helper[];
  /** Those of `let`, which may be assigned to. */
  readonly variables: readonly (readonly [name: string, kind: Kind])[];
}

/** Choices, and names that are not taken yet. */
class Writer {
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

  // Expressions.

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

  // Statements.

  /** Statements, then a return; with it the names that came. */
  body(result: Kind, names: Names, size: number): string {
    let known = names;
    const lines: string[] = [];
    for (let i = this.number(0, size); i > 0; i--) {
      const [line, more] = this.#statement(result, known, 2);
      lines.push(line);
      known = more;
    }
    return [...lines, this.#end(result, known)].join(' ');
  }

  #end(result: Kind, names: Names): string {
    const value = (): string => this.#result(result, names);
    const test = (): string => this.of('bool', names, 2);
    return this.one(
      `return ${value()};`,
      `if (${test()}) return ${value()}; return ${value()};`,
      `if (${test()}) { return ${value()}; } else { return ${value()}; }`,
      `if (${test()}) return ${value()}; else if (${test()}) return ${value()}; return ${value()};`,
    );
  }

  #result(kind: Kind, names: Names): string {
    if (kind === 'bool')
      return this.one(this.of('bool', names, 2), this.of('bool', names, 1), 'false', 'true');
    return this.one(
      this.of('float', names, 2),
      this.of(kind, names, 3),
      '-Infinity',
      this.of('int', names, 1),
    );
  }

  #statement(result: Kind, names: Names, depth: number): readonly [string, Names] {
    const same = (line: string): readonly [string, Names] => [line, names];
    const test = (): string => this.of('bool', names, 2);
    const withoutQ = { ...names, int: ['kv', 'h'], bool: ['c.flag'], helpers: [] };
    switch (this.number(0, depth > 0 ? 16 : 4)) {
      case 14:
        return this.#withState(names);
      case 15:
        return this.#higher(names);
      case 16:
        return same(`{ const q = ${this.of('int', withoutQ, 1)}; ${this.#assignment(names)} }`);
      case 0:
      case 1:
        return this.#constant(names);
      case 2:
        return this.#variable(names);
      case 3:
        return same(this.#assignment(names));
      case 4:
        return same(`if (${test()}) ${this.#assignment(names)}`);
      case 5:
        return same(`if (${test()}) { ${this.#block(result, names, depth - 1)} }`);
      case 6:
        return same(
          `if (${test()}) { ${this.#block(result, names, depth - 1)} } else { ${this.#block(result, names, depth - 1)} }`,
        );
      case 7:
        return same(`if (${test()}) return ${this.#result(result, names)};`);
      case 8:
      case 9:
        return same(this.#loop(result, names, depth - 1));
      case 10:
      case 11:
        return this.#helper(names);
      case 12:
        return this.#destructured(names);
      default:
        return this.#late(names);
    }
  }

  #block(result: Kind, names: Names, depth: number): string {
    let known = names;
    const lines: string[] = [];
    for (let i = this.number(1, 3); i > 0; i--) {
      const [line, more] = this.#statement(result, known, depth);
      lines.push(line);
      known = more;
    }
    return lines.join(' ');
  }

  #constant(names: Names): readonly [string, Names] {
    const [name, kind] = [this.name(), this.kind()];
    const value = this.chance(4)
      ? { int: '4', float: '0.75', bool: 'true' }[kind]
      : this.of(kind, names, 2);
    const known = { ...names, [kind]: [...names[kind], name] };
    if (!this.chance(4)) return [`${this.one('const', 'const', 'var')} ${name} = ${value};`, known];
    const [other, second] = [this.name(), this.of('int', known, 1)];
    return [
      `const ${name} = ${value}, ${other} = ${second};`,
      { ...known, int: [...known.int, other] },
    ];
  }

  #variable(names: Names): readonly [string, Names] {
    const [name, kind] = [this.name(), this.kind()];
    return [`let ${name} = ${this.of(kind, names, 1)};`, withVariable(names, name, kind)];
  }

  /** A variable that is given its value by branches. */
  #late(names: Names): readonly [string, Names] {
    const [name, kind] = [this.name(), this.kind()];
    const to = (): string => `${name} = ${this.of(kind, names, 2)};`;
    const chain = this.chance(2) ? `else if (${this.of('bool', names, 1)}) { ${to()} } ` : '';
    return [
      `let ${name}; if (${this.of('bool', names, 2)}) { ${to()} } ${chain}else { ${to()} }`,
      withVariable(names, name, kind),
    ];
  }

  #assignment(names: Names): string {
    const [name, kind] = this.one(...names.variables);
    if (kind === 'bool') {
      return `${name} ${this.one('=', '=', '&&=', '||=')} ${this.of('bool', names, 2)};`;
    }
    if (this.chance(4)) return this.one(`${name}++;`, `${name}--;`, `++${name};`, `${name} += 2;`);
    const operator =
      kind === 'int'
        ? this.one('=', '+=', '-=', '*=', '&=', '|=')
        : this.one('=', '+=', '-=', '*=', '/=');
    return `${name} ${operator} ${this.of(kind, names, 2)};`;
  }

  #loop(result: Kind, names: Names, depth: number): string {
    const name = this.name();
    const turns = this.number(1, 5);
    const inside = { ...names, int: [...names.int, name] };
    if (this.chance(6)) {
      const inner = this.#block(result, inside, depth);
      return `{ let ${name} = 0; for (;;) { if (${name} >= ${turns}) break; ${inner} ${name}++; } }`;
    }
    const head = this.one(
      `for (let ${name} = 0; ${name} < ${turns}; ${name}++)`,
      `for (let ${name} = 0; ${name} < ${turns}; ${name}++)`,
      `for (let ${name} = ${turns}; ${name} > 0; ${name}--)`,
      `for (let ${name} = 1; ${name} <= ${2 * turns}; ${name} += 2)`,
    );
    const test = this.of('bool', inside, 1);
    const early = this.one(
      '',
      '',
      `if (${test}) break;`,
      `if (${name} >= c.n) break;`,
      `if (${test}) continue;`,
      `if (${test}) return ${this.#result(result, inside)};`,
    );
    const inner = this.#block(result, inside, depth);
    return `${head} { ${this.one(`${early} ${inner}`, `${inner} ${early}`)} }`;
  }

  #helper(names: Names): readonly [string, Names] {
    const [name, gives] = [this.name(), this.kind()];
    const takes = Array.from({ length: this.number(1, 3) }, () => this.kind());
    const own = takes.map(() => this.name());
    const needed = this.chance(3) ? takes.length - 1 : takes.length;
    let inside: Names = { ...names, variables: [], helpers: names.helpers.slice(-1) };
    takes.forEach((kind, i) => (inside = withVariable(inside, own[i]!, kind)));
    const parameters = own.map((param, i) =>
      i < needed ? param : `${param} = ${{ int: '3', float: '0.5', bool: 'false' }[takes[i]!]}`,
    );
    const value = this.of(gives, inside, 2);
    const list = parameters.join(', ');
    const block = `{ ${this.#helperBody(gives, inside)} }`;
    const line = this.one(
      `const ${name} = (${list}) => ${value};`,
      `const ${name} = (${list}) => ${block};`,
      `function ${name}(${list}) ${block}`,
      `const ${name} = function (${list}) ${block};`,
    );
    const helper = { name, takes, needed, gives };
    return [line, { ...names, helpers: [...names.helpers, helper] }];
  }

  #helperBody(gives: Kind, names: Names): string {
    const value = (): string => this.of(gives, names, 2);
    const [line, more] = this.one(this.#constant(names), this.#variable(names), this.#late(names));
    return this.one(
      `return ${value()};`,
      `if (${this.of('bool', names, 1)}) return ${value()}; return ${value()};`,
      `${line} return ${this.of(gives, more, 2)};`,
      `${line} if (${this.of('bool', more, 1)}) { ${this.#assignment(more)} } return ${this.of(gives, more, 1)};`,
      `${this.#assignment(names)} return ${value()};`,
      `for (let i = 0; i < 3; i++) { if (${this.of('bool', { ...names, int: [...names.int, 'i'] }, 1)}) return ${value()}; ${this.#assignment(names)} } return ${value()};`,
    );
  }

  /** A helper that changes a variable around it. */
  #withState(names: Names): readonly [string, Names] {
    const [count, name, param] = [this.name(), this.name(), this.name()];
    const inside = withVariable(names, count, 'int');
    const value = this.of('int', { ...inside, int: [...inside.int, param], helpers: [] }, 2);
    const call = (): string => `${name}(${this.of('int', names, 1)});`;
    const makes = this.one(
      `const ${name} = (${param}) => { ${count} += ${value}; };`,
      `const ${name} = (${param}) => { if (${param} > 2) return; ${count} = ${value}; };`,
      `function ${name}(${param}) { ${count}++; return ${value}; }`,
    );
    const uses = this.one(
      call(),
      `${call()} ${call()}`,
      `if (${this.of('bool', names, 1)}) ${call()}`,
    );
    return [`let ${count} = 0; ${makes} ${uses}`, inside];
  }

  /** Helpers that take tables and functions. */
  #higher(names: Names): readonly [string, Names] {
    const [name, result] = [this.name(), this.name()];
    const i = (): string => this.of('int', names, 1);
    const line = this.one(
      `const ${name} = (t, i) => t[i] + t[i + 1]; const ${result} = ${name}(c.bias, ${i()}) * ${name}(c.ids, ${i()});`,
      `const ${name} = (f, x) => f(f(x)); const ${result} = ${name}((x) => x * 0.5 + ${i()}, ${i()});`,
      `const ${name} = (o, i) => o.ids[i] * o.x; const ${result} = ${name}(c, ${i()});`,
      `const ${result} = ${name}(${i()}); function ${name}(x) { return x > 2 ? x * 0.5 : 0.25; }`,
      `const { half: ${name} } = c; const ${result} = ${name}[0][${i()}] + ${name}[1][${i()}];`,
      `const ${name} = c.half[${i()}]; let ${result} = 0; for (let i = 0; i < 3; i++) ${result} += ${name}[i] * 0.5;`,
      `const ${name} = ${this.of('bool', names, 1)} ? c.half[0] : c.half[${i()}]; const ${result} = ${name}[${i()}];`,
      `var ${result} = 0; for (var ${name} = 0; ${name} < 3; ${name}++) { if (${this.of('bool', names, 1)}) ${result} += 0.5; else ${result} = ${name}; }`,
      `let ${name} = 1, ${result} = ${name} = ${i()}; ${result} /= 2;`,
    );
    return [line, { ...names, float: [...names.float, result] }];
  }

  #destructured(names: Names): readonly [string, Names] {
    const [a, b] = [this.name(), this.name()];
    return this.one<readonly [string, Names]>(
      [
        `const { n: ${a}, x: ${b} } = c;`,
        { ...names, int: [...names.int, a], float: [...names.float, b] },
      ],
      [`const { kvLen: ${a} } = info;`, { ...names, int: [...names.int, a] }],
      [`const ${a} = c['n'];`, { ...names, int: [...names.int, a] }],
      [`const ${a} = c.missing ?? 5;`, { ...names, int: [...names.int, a] }],
      [`const { missing: ${a} = 4 } = c;`, { ...names, int: [...names.int, a] }],
      [
        `const ${b} = c.missing === undefined ? 1.5 : c.missing;`,
        { ...names, float: [...names.float, b] },
      ],
      [
        `const { floor: ${a} } = Math; const ${b} = ${a}(kv / 2);`,
        { ...names, int: [...names.int, b] },
      ],
    );
  }
}

function withVariable(names: Names, name: string, kind: Kind): Names {
  return {
    ...names,
    [kind]: [...names[kind], name],
    variables: [...names.variables, [name, kind]],
  };
}

/** A mod as people write it, as the source text of a function. */
function write(writer: Writer, kind: 'score' | 'mask'): string {
  const isScore = kind === 'score';
  const names: Names = {
    int: ['q', 'kv', 'q', 'kv', 'h', 'b', 'c.n', 'info.kvLen', 'info.qLen'],
    float: isScore ? ['score', 'score', 'c.x'] : ['c.x'],
    bool: ['c.flag'],
    helpers: [],
    variables: isScore ? [['score', 'float']] : [['kv', 'int']],
  };
  const result = isScore ? 'float' : 'bool';
  const head = `${isScore ? 'score, ' : ''}b, h, q, kv`;
  if (writer.chance(4)) return `(${head}, c, info) => ${writer.of(result, names, 4)}`;
  const body = writer.body(result, names, 5);
  if (writer.chance(5)) {
    const plain = body
      .replaceAll('c.n', 'n')
      .replaceAll(/\bc\.(?!missing)(x|ids|grid|half|bias|flag|twice)\b/g, '$1');
    const isWhole = !/\bc\b/.test(plain);
    const all = '{ n, x, ids, grid, half: half, bias = 0, flag, twice }';
    if (isWhole) return `(${head}, ${all}, info) => { ${plain} }`;
  }
  const list = `${head}, c, info`;
  return writer.one(
    `(${list}) => { ${body} }`,
    `function (${list}) { ${body} }`,
    `function (${list}) { 'use strict'; /* a comment */ ${body} }`,
  );
}

/** Mods as people write them: constants, branches, early returns, loops, helpers, destructuring. */
export const writtenMod = (kind: 'score' | 'mask'): Arbitrary<string> =>
  fc.gen().map((g) => write(new Writer((n) => g(fc.nat, { max: n - 1 })), kind));
