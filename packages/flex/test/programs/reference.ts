import type { Expr, Program, Stmt } from './random-programs.ts';

type Value = number | boolean;

/** What a program reads, by the text that names it. */
export interface World {
  readonly names: Readonly<Record<string, Value>>;
  readonly tables: Readonly<Record<string, Nested>>;
}

export interface Nested extends ReadonlyArray<number | Nested> {}

/** What stands for an infinity on the GPU. */
const INFINITE = Math.fround(1e38);

/**
 * The value of a program in doubles, whether every step of it was exact in f32 and in i32, and whether a step gave what
 * JavaScript has no number for.
 */
export interface Outcome {
  readonly value: Value;
  readonly exact: boolean;
  readonly strange: boolean;
}

class Leave {
  readonly how: 'break' | 'continue' | 'return';
  readonly value: Value;
  constructor(how: Leave['how'], value: Value = 0) {
    this.how = how;
    this.value = value;
  }
}

/** Evaluates the syntax tree directly: it shares nothing with the compiler. */
export function runReference(program: Program, world: World): Outcome {
  const run = new Run(world);
  const left = run.block(program.body);
  if (left?.how !== 'return') throw new Error('the program does not return');
  return { value: left.value, exact: run.exact, strange: run.strange };
}

class Run {
  exact = true;
  strange = false;
  readonly #tables: World['tables'];
  readonly #values: Map<string, Value>;

  constructor({ names, tables }: World) {
    this.#tables = tables;
    this.#values = new Map(Object.entries(names));
  }

  block(body: readonly Stmt[]): Leave | undefined {
    for (const statement of body) {
      const left = this.#statement(statement);
      if (left) return left;
    }
    return undefined;
  }

  #statement(s: Stmt): Leave | undefined {
    switch (s.kind) {
      case 'let':
        this.#values.set(s.name, this.expr(s.value));
        return undefined;
      case 'assign':
        this.#values.set(s.name, this.#assigned(s.name, s.op, this.expr(s.value)));
        return undefined;
      case 'if':
        return this.block(this.expr(s.test) ? s.body : s.otherwise);
      case 'for':
        return this.#loop(s.name, s.turns, s.body);
      case 'leave':
        return this.expr(s.test) ? new Leave(s.how) : undefined;
      case 'return':
        return new Leave('return', this.expr(s.value));
    }
  }

  #loop(name: string, turns: number, body: readonly Stmt[]): Leave | undefined {
    for (let i = 0; i < turns; i++) {
      this.#values.set(name, i);
      const left = this.block(body);
      if (left?.how === 'break') break;
      if (left?.how === 'return') return left;
    }
    return undefined;
  }

  #assigned(name: string, op: string, value: Value): Value {
    return op === '=' ? value : this.#apply(op.slice(0, -1), this.#values.get(name)!, value);
  }

  expr(e: Expr): Value {
    switch (e.kind) {
      case 'literal':
        return e.value;
      case 'name':
        return this.#values.get(e.text)!;
      case 'table':
        return this.#element(e.name, e.indices);
      case 'unary':
        return this.#checked(unary(e.op, this.expr(e.a)));
      case 'binary': {
        const a = this.expr(e.a);
        if (e.op === '&&') return a ? this.expr(e.b) : a;
        if (e.op === '||') return a ? a : this.expr(e.b);
        return this.#apply(e.op, a, this.expr(e.b));
      }
      case 'math': {
        const args = e.args.map((arg) => this.expr(arg)) as number[];
        return this.#checked(this.#agreed(e.name, args) ?? Math[e.name as 'max'](...args));
      }
      case 'choice':
        return this.expr(this.expr(e.test) ? e.a : e.b);
    }
  }

  #element(name: string, indices: readonly Expr[]): Value {
    let at: number | Nested = this.#tables[name]!;
    for (const index of indices) {
      const i = this.expr(index) as number;
      const table: Nested = at as Nested;
      at = table[Math.min(Math.max(i, 0), table.length - 1)]!;
    }
    return at as number;
  }

  #apply(op: string, a: Value, b: Value): Value {
    const args = [a, b] as [number, number];
    return this.#checked(this.#agreed(op, args) ?? binary(op, ...args));
  }

  /** The values that docs/flex.md lists for what JavaScript calls NaN or infinite. */
  #agreed(op: string, [a, b = 0]: readonly number[]): number | undefined {
    const value = strangeValue(op, a!, b);
    if (value !== undefined) this.strange = true;
    return value;
  }

  #checked(value: Value): Value {
    if (typeof value === 'number' && Math.abs(value) !== INFINITE) {
      const isInt = Number.isInteger(value) && Math.abs(value) < 2 ** 24;
      // −0 does not exist among integers, and which zero it is may show in a quotient.
      const isExact = isInt ? !Object.is(value, -0) : Math.fround(value) === value;
      if (!isExact || Math.abs(value) >= 2 ** 24) this.exact = false;
    }
    return value;
  }
}

function strangeValue(op: string, a: number, b: number): number | undefined {
  switch (op) {
    case '/':
      return b === 0 ? (a > 0 ? INFINITE : -INFINITE) : undefined;
    case '%':
      return b === 0 ? -INFINITE : undefined;
    case 'log':
      return a <= 0 ? -INFINITE : undefined;
    case '**':
      if (a === 0 && b < 0) return INFINITE;
      return a < 0 && !Number.isInteger(b) ? -INFINITE : undefined;
    default:
      return undefined;
  }
}

function unary(op: string, a: Value): Value {
  switch (op) {
    case '-':
      return -(a as number);
    case '~':
      return ~(a as number);
    default:
      return !a;
  }
}

function binary(op: string, a: number, b: number): Value {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '**':
      return a ** b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return a << b;
    case '>>':
      return a >> b;
    case '>>>':
      return a >>> b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '===':
      return a === b;
    default:
      return a !== b;
  }
}
