import { isFullRun } from '@heed/testing';
import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';

/** Random programs: a small typed syntax tree that prints as source text and that a reference can evaluate. */
export type Expr =
  | { readonly kind: 'literal'; readonly value: number }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'table'; readonly name: string; readonly indices: readonly Expr[] }
  | { readonly kind: 'unary'; readonly op: string; readonly a: Expr }
  | { readonly kind: 'binary'; readonly op: string; readonly a: Expr; readonly b: Expr }
  | { readonly kind: 'math'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'choice'; readonly test: Expr; readonly a: Expr; readonly b: Expr };

export type Stmt =
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'assign'; readonly name: string; readonly op: string; readonly value: Expr }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly body: readonly Stmt[];
      readonly otherwise: readonly Stmt[];
    }
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly turns: number;
      readonly body: readonly Stmt[];
    }
  | { readonly kind: 'leave'; readonly how: 'break' | 'continue'; readonly test: Expr }
  | { readonly kind: 'return'; readonly value: Expr };

export interface Program {
  readonly parameters: string;
  readonly body: readonly Stmt[];
}

function printExpr(e: Expr): string {
  switch (e.kind) {
    case 'literal':
      return e.value < 0 || Object.is(e.value, -0) ? `(${e.value})` : String(e.value);
    case 'name':
      return e.text;
    case 'table':
      return `${e.name}${e.indices.map((index) => `[${printExpr(index)}]`).join('')}`;
    case 'unary':
      return `${e.op}(${printExpr(e.a)})`;
    case 'binary':
      return `(${printExpr(e.a)} ${e.op} ${printExpr(e.b)})`;
    case 'math':
      return `Math.${e.name}(${e.args.map(printExpr).join(', ')})`;
    case 'choice':
      return `(${printExpr(e.test)} ? ${printExpr(e.a)} : ${printExpr(e.b)})`;
  }
}

const printBlock = (body: readonly Stmt[]): string => `{ ${body.map(printStmt).join(' ')} }`;

function printStmt(s: Stmt): string {
  switch (s.kind) {
    case 'let':
      return `let ${s.name} = ${printExpr(s.value)};`;
    case 'assign':
      return `${s.name} ${s.op} ${printExpr(s.value)};`;
    case 'if': {
      const otherwise = s.otherwise.length > 0 ? ` else ${printBlock(s.otherwise)}` : '';
      return `if (${printExpr(s.test)}) ${printBlock(s.body)}${otherwise}`;
    }
    case 'for':
      return `for (let ${s.name} = 0; ${s.name} < ${s.turns}; ${s.name}++) ${printBlock(s.body)}`;
    case 'leave':
      return `if (${printExpr(s.test)}) ${s.how};`;
    case 'return':
      return `return ${printExpr(s.value)};`;
  }
}

/** The program as the source text of an arrow function. */
export function printProgram({ parameters, body }: Program): string {
  return `(${parameters}) => ${printBlock(body)}`;
}

/** What generated programs may read; see world.ts for the values. */
const ints = ['b', 'h', 'q', 'kv', 'info.qLen', 'info.kvLen', 'c.n'] as const;
const floats = ['score', 'c.x'] as const;

const name = (text: string): Expr => ({ kind: 'name', text });
const binary = (op: string, a: Expr, b: Expr): Expr => ({ kind: 'binary', op, a, b });
const math = (fn: string, ...args: Expr[]): Expr => ({ kind: 'math', name: fn, args });
const literal = (value: number): Expr => ({ kind: 'literal', value });

/** Which variables are in scope, and whether there is a score. */
interface Scope {
  readonly ints: readonly string[];
  readonly floats: readonly string[];
  readonly hasScore: boolean;
}

const oneOf = <T>(...all: Arbitrary<T>[]): Arbitrary<T> => fc.oneof(...all);

function intLeaf(scope: Scope): Arbitrary<Expr> {
  return fc.oneof(
    { arbitrary: fc.constantFrom(...ints, 'q', 'kv', ...scope.ints).map(name), weight: 3 },
    { arbitrary: fc.integer({ min: -9, max: 17 }).map(literal), weight: 1 },
  );
}

function intExpr(scope: Scope, depth: number): Arbitrary<Expr> {
  if (depth === 0) return intLeaf(scope);
  const sub = fc.memo((n) => intExpr(scope, n))(depth - 1);
  const divisor = fc.constantFrom(1, 2, 3, 4, 7, 8, -3).map(literal);
  const positive = oneOf(divisor, fc.constant(name('c.n')));
  return oneOf(
    intLeaf(scope),
    fc
      .tuple(fc.constantFrom('+', '-', '*', '&', '|', '^'), sub, sub)
      .map(([op, a, b]) => binary(op, a, b)),
    fc.tuple(sub, positive).map(([a, b]) => binary('%', a, b)),
    fc
      .tuple(fc.constantFrom('floor', 'ceil', 'trunc'), sub, positive)
      .map(([fn, a, b]) => math(fn, binary('/', a, b))),
    fc
      .tuple(fc.constantFrom('<<', '>>'), sub, fc.integer({ min: 0, max: 3 }))
      .map(([op, a, k]) => binary(op, a, literal(k))),
    fc.tuple(sub, fc.integer({ min: 8, max: 20 })).map(([a, k]) => binary('>>>', a, literal(k))),
    fc.tuple(fc.constantFrom('min', 'max'), sub, sub).map(([fn, a, b]) => math(fn, a, b)),
    fc.tuple(fc.constantFrom('abs', 'sign', 'clz32', 'round'), sub).map(([fn, a]) => math(fn, a)),
    fc.tuple(fc.constantFrom('-', '~'), sub).map(([op, a]) => ({ kind: 'unary', op, a })),
    sub.map((index) => ({ kind: 'table', name: 'c.ids', indices: [index] })),
    fc.tuple(sub, sub).map(([i, j]) => ({ kind: 'table', name: 'c.grid', indices: [i, j] })),
    fc
      .tuple(boolExpr(scope, depth - 1, false), sub, sub)
      .map(([test, a, b]) => ({ kind: 'choice', test, a, b })),
  );
}

function floatLeaf(scope: Scope): Arbitrary<Expr> {
  const names = [...floats.filter((text) => scope.hasScore || text !== 'score'), ...scope.floats];
  return fc.oneof(
    { arbitrary: fc.constantFrom(...names).map(name), weight: 3 },
    { arbitrary: fc.integer({ min: -8, max: 8 }).map((k) => literal(k + 0.25)), weight: 1 },
  );
}

function floatExpr(scope: Scope, depth: number): Arbitrary<Expr> {
  if (depth === 0) return floatLeaf(scope);
  const sub = floatExpr(scope, depth - 1);
  const int = intExpr(scope, Math.min(depth - 1, 1));
  const either = oneOf(sub, int);
  return oneOf(
    floatLeaf(scope),
    fc.tuple(fc.constantFrom('+', '-', '*'), sub, either).map(([op, a, b]) => binary(op, a, b)),
    fc.tuple(fc.constantFrom('+', '-', '*'), int, sub).map(([op, a, b]) => binary(op, a, b)),
    fc.tuple(either, fc.constantFrom(2, 4, 0.5)).map(([a, k]) => binary('/', a, literal(k))),
    fc.tuple(fc.constantFrom('min', 'max'), sub, either).map(([fn, a, b]) => math(fn, a, b)),
    fc
      .tuple(fc.constantFrom('abs', 'floor', 'ceil', 'trunc', 'round', 'fround', 'sign'), sub)
      .map(([fn, a]) => math(fn, a)),
    int.map((index) => ({ kind: 'table', name: 'c.bias', indices: [index] })),
    fc.tuple(int, int).map(([i, j]) => ({ kind: 'table', name: 'c.half', indices: [i, j] })),
    fc
      .tuple(boolExpr(scope, depth - 1, true), sub, either)
      .map(([test, a, b]) => ({ kind: 'choice', test, a, b })),
    edge(scope, depth),
  );
}

/**
 * What has no number in JavaScript, or none that adapters have in common, and a value of its own on the GPU. Nothing in it
 * is constant: constants mean what they mean in JavaScript.
 */
function edge(scope: Scope, depth: number): Arbitrary<Expr> {
  const sub = floatExpr(scope, depth - 1);
  const varying = sub.map((a) => binary('+', a, name('c.x')));
  const fractions = fc.constantFrom(0.375, -1.25, 7 / 32768, 40.5).map(literal);
  const exponents = fc.constantFrom(-0.5, -1.5, -2, 0.25, 2.5, 20, -33).map(literal);
  const oneOfTwo = (index: string, ...values: readonly number[]): Arbitrary<Expr> =>
    fc.shuffledSubarray([...values], { minLength: 2, maxLength: 2 }).map(([a, b]) => ({
      kind: 'choice',
      test: binary('===', binary('&', name(index), literal(1)), literal(0)),
      a: literal(a!),
      b: literal(b!),
    }));
  return oneOf(
    fc.tuple(varying, oneOf(fractions, sub)).map(([a, b]) => binary('%', a, b)),
    fc.tuple(oneOfTwo('q', 0, 1, -1), oneOf(exponents, sub)).map(([a, b]) => binary('**', a, b)),
    oneOf(varying, oneOfTwo('kv', 0, 3, -1)).map((a) => binary('/', a, literal(0))),
    fc.tuple(oneOfTwo('q', 0, 3), oneOfTwo('kv', 0, 1)).map(([a, b]) => math('atan2', a, b)),
    oneOfTwo('kv', 0, 3, -1).map((a) => math('log', a)),
  );
}

const comparison = ['<', '<=', '>', '>=', '===', '!=='] as const;

function boolExpr(scope: Scope, depth: number, withFloats: boolean): Arbitrary<Expr> {
  const int = intExpr(scope, Math.max(depth - 1, 0));
  const compareInts = fc
    .tuple(fc.constantFrom(...comparison), int, int)
    .map(([op, a, b]) => binary(op, a, b));
  if (depth === 0) return oneOf(compareInts, fc.constant(name('c.flag')));
  const sub = boolExpr(scope, depth - 1, withFloats);
  const float = floatExpr(scope, Math.max(depth - 1, 0));
  const all: Arbitrary<Expr>[] = [
    compareInts,
    fc.tuple(fc.constantFrom('&&', '||'), sub, sub).map(([op, a, b]) => binary(op, a, b)),
    sub.map((a) => ({ kind: 'unary', op: '!', a })),
  ];
  if (withFloats) {
    all.push(
      fc
        .tuple(fc.constantFrom(...comparison), float, oneOf(float, int))
        .map(([op, a, b]) => binary(op, a, b)),
    );
  }
  return oneOf(...all);
}

/** Statements over two variables that the program declares, then a return. */
function bodyOf(scope: Scope, result: Arbitrary<Expr>, depth: number): Arbitrary<Stmt[]> {
  const test = boolExpr(scope, 2, scope.hasScore);
  const intTo = fc
    .tuple(fc.constantFrom('=', '+=', '-='), intExpr(scope, 2))
    .map(([op, value]): Stmt => ({ kind: 'assign', name: 'i', op, value }));
  const floatTo = fc
    .tuple(fc.constantFrom('=', '+=', '-='), floatExpr(scope, 2))
    .map(([op, value]): Stmt => ({ kind: 'assign', name: 'x', op, value }));
  const plain = oneOf(intTo, floatTo);
  const leave = fc
    .tuple(fc.constantFrom('break', 'continue'), test)
    .map(([how, when]): Stmt => ({ kind: 'leave', how, test: when }));
  const returns = fc.tuple(test, result).map(([when, value]): Stmt => ({
    kind: 'if',
    test: when,
    body: [{ kind: 'return', value }],
    otherwise: [],
  }));
  const nested = fc
    .tuple(
      test,
      fc.array(plain, { minLength: 1, maxLength: 2 }),
      fc.array(oneOf(plain, returns), { maxLength: 2 }),
    )
    .map(([when, inner, otherwise]): Stmt => ({ kind: 'if', test: when, body: inner, otherwise }));
  const loop = fc
    .tuple(
      fc.integer({ min: 0, max: 4 }),
      fc.array(oneOf(plain, leave, returns, nested), { minLength: 1, maxLength: 3 }),
    )
    .map(([turns, inner]): Stmt => ({ kind: 'for', name: 'k', turns, body: inner }));
  const statement = depth === 0 ? plain : oneOf(plain, nested, returns, loop);
  return fc
    .tuple(fc.array(statement, { minLength: 1, maxLength: 3 }), result)
    .map(([all, value]) => [...all, { kind: 'return', value }]);
}

const start: readonly Stmt[] = [
  { kind: 'let', name: 'i', value: name('kv') },
  { kind: 'let', name: 'x', value: name('c.x') },
];

const indices = 'b, h, q, kv, c, info';

export const scoreProgram: Arbitrary<Program> = program(true);
export const maskProgram: Arbitrary<Program> = program(false);

function program(hasScore: boolean): Arbitrary<Program> {
  const scope: Scope = { ints: ['i'], floats: ['x'], hasScore };
  const result = hasScore
    ? oneOf(floatExpr(scope, 3), intExpr(scope, 3))
    : boolExpr(scope, 3, true);
  return bodyOf(scope, result, 1).map((statements) => ({
    parameters: hasScore ? `score, ${indices}` : indices,
    body: [...start, ...statements],
  }));
}

/** Masks of integers only, as most are: what bounds are for. */
export const indexMask: Arbitrary<Program> = boolExpr(
  { ints: [], floats: [], hasScore: false },
  3,
  false,
).map((value) => ({ parameters: indices, body: [{ kind: 'return', value }] }));

/** Score mods of integers only: every step wraps the same everywhere, however large. */
export const intScore: Arbitrary<Program> = intExpr(
  { ints: [], floats: [], hasScore: false },
  3,
).map((value) => ({ parameters: `score, ${indices}`, body: [{ kind: 'return', value }] }));

/** How many cases a property is tried on: the same ones every time. */
export const runs = (numRuns: number, seed: number): { numRuns: number; seed: number } => ({
  numRuns: isFullRun() ? numRuns * 20 : numRuns,
  seed,
});
