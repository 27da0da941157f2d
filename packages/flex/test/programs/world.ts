import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { Nested, World } from './reference.ts';

/** The captures of generated programs. Floats are halves of small integers, so that short sums and products are exact. */
export interface CaptureValues {
  readonly n: number;
  readonly x: number;
  readonly flag: boolean;
  readonly ids: Nested;
  readonly grid: Nested;
  readonly bias: Nested;
  readonly half: Nested;
}

export interface Pair {
  readonly score: number;
  readonly b: number;
  readonly h: number;
  readonly q: number;
  readonly kv: number;
  readonly qLen: number;
  readonly kvLen: number;
}

const halves = fc.integer({ min: -12, max: 12 }).map((k) => k / 2);
const list = (values: Arbitrary<number>, length: number): Arbitrary<number[]> =>
  fc.array(values, { minLength: length, maxLength: length });

export const captureValues: Arbitrary<CaptureValues> = fc.record({
  n: fc.integer({ min: 1, max: 6 }),
  x: halves.map((value) => value + 0.25),
  flag: fc.boolean(),
  ids: list(fc.integer({ min: 0, max: 5 }), 40),
  grid: fc.array(list(fc.integer({ min: -4, max: 9 }), 5), { minLength: 3, maxLength: 3 }),
  bias: list(halves, 16),
  half: fc.array(list(halves, 4), { minLength: 2, maxLength: 2 }),
});

export const pairs: Arbitrary<Pair> = fc.record({
  score: halves,
  b: fc.integer({ min: 0, max: 2 }),
  h: fc.integer({ min: 0, max: 3 }),
  q: fc.integer({ min: -4, max: 20 }),
  kv: fc.integer({ min: 0, max: 20 }),
  qLen: fc.integer({ min: 0, max: 20 }),
  kvLen: fc.integer({ min: 0, max: 20 }),
});

/** What the compiler is told: shapes and types, and values of the scalars. */
export function declared(values: CaptureValues): Record<string, unknown> {
  const shapeOf = (table: Nested): number[] =>
    typeof table[0] === 'number' ? [table.length] : [table.length, (table[0] as Nested).length];
  const table = (dtype: string, value: Nested): unknown => ({ dtype, shape: shapeOf(value) });
  return {
    ...values,
    ids: table('i32', values.ids),
    grid: table('i32', values.grid),
    bias: table('f32', values.bias),
    half: table('f16', values.half),
  };
}

export function worldOf(values: CaptureValues, { qLen, kvLen, ...pair }: Pair): World {
  const { n, x, flag, ids, grid, bias, half } = values;
  return {
    names: { ...pair, 'info.qLen': qLen, 'info.kvLen': kvLen, 'c.n': n, 'c.x': x, 'c.flag': flag },
    tables: { 'c.ids': ids, 'c.grid': grid, 'c.bias': bias, 'c.half': half },
  };
}

/** The arguments that the program's function is called with. */
export function argumentsOf(
  kind: 'score' | 'mask',
  values: CaptureValues,
  { score, b, h, q, kv, qLen, kvLen }: Pair,
): unknown[] {
  const rest = [b, h, q, kv, values, { qLen, kvLen, qRow: 0, kvRow: 0 }];
  return kind === 'score' ? [score, ...rest] : rest;
}

/** The table as the original function must see it for out-of-range indices to clamp. */
export function clamping(table: Nested): Nested {
  return new Proxy(table, {
    get: (target, key) => {
      const index = Number(key);
      const value = target[Math.min(Math.max(index, 0), target.length - 1)]!;
      return typeof value === 'number' ? value : clamping(value);
    },
  });
}

/** The captures with every table {@link clamping}. */
export function clampedCaptures(values: CaptureValues): CaptureValues {
  const { ids, grid, bias, half } = values;
  return {
    ...values,
    ids: clamping(ids),
    grid: clamping(grid),
    bias: clamping(bias),
    half: clamping(half),
  };
}

/** A function from its source text, as a user's module would have made it. */
export function functionOf(text: string): (...args: unknown[]) => number | boolean {
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function(`return ${text}`)() as ReturnType<typeof functionOf>;
}
