import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { ExpressionWriter, type Kind, type Names } from './written-expressions.ts';

/** The captures that these mods read beside those of world.ts. */
export const functions = {
  twice: (x: number): number => 2 * x,
  limit: (x: number, { low, high = 5 }: { low: number; high?: number }): number =>
    Math.min(Math.max(x, low), high),
  low: -2,
};

/** Writes statements as people write them. */
class Writer extends ExpressionWriter {
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
