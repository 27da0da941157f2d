import { expect } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { functionOf } from './world.ts';

const captures = {
  n: 3,
  x: 2.25,
  on: true,
  ids: [4, 0, 2, 7, 1, 5, 3, 6],
  bias: [
    [0.5, -1.5, 2],
    [3, 0.25, -4],
  ],
  twice: (a: number): number => 2 * a,
  limit: (a: number, { low, high = 5 }: { low: number; high?: number }): number =>
    Math.min(Math.max(a, low), high),
  low: -2,
};

/** What the compiler is told. */
export const declaredCaptures: Readonly<Record<string, unknown>> = {
  ...captures,
  ids: { dtype: 'i32', shape: [8] },
};

const info = { qLen: 8, kvLen: 9, qRow: 3, kvRow: 4 };

const pairs = [-3, 0, 1, 5, 7].flatMap((q) =>
  [0, 1, 4, 7].flatMap((kv) => [-1.5, 0.25, 3].map((score) => [score, 1, kv % 2, q, kv] as const)),
);

/** The function itself beside its twin, which is to agree to the rounding of f32. */
export function expectSame(source: string): void {
  const fn = functionOf(source);
  const { js } = compileMod(fn, declaredCaptures, { kind: 'score' });
  for (const pair of pairs) {
    const want = fn(...pair, captures, info) as number;
    const got = js(...pair, captures, info) as number;
    const where = `${source} at ${pair.join(', ')}: ${got}, not ${want}`;
    const isNear = Math.abs(got - want) <= 2e-6 * Math.max(1, Math.abs(want));
    expect(isNear || got === want, where).toBe(true);
  }
}

const head = 's, b, h, q, kv, c, info';
/** A mod with these statements. */
export const body = (text: string): string => `(${head}) => { ${text} }`;
/** A mod that returns this expression. */
export const value = (text: string): string => `(${head}) => ${text}`;
