import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { twin } from '../../src/text/backends/twin.ts';
import { compileResolved, toDerivative } from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import { printProgram, type Program, runs, scoreProgram } from '../programs/random-programs.ts';
import { type Nested, runReference } from '../programs/reference.ts';
import {
  type CaptureValues,
  captureValues,
  declared,
  functionOf,
  type Pair,
  pairs,
  worldOf,
} from '../programs/world.ts';

const STEP = 2 ** -12;

/** The slope of f at 0, or nothing where f has a step or a corner there. */
function slopeOf(f: (x: number) => number): number | undefined {
  const by = (x: number): number => (f(x) - f(0)) / x;
  const [slope, ...others] = [by(STEP), by(STEP / 2), by(-STEP)] as const;
  const isNear = (other: number): boolean =>
    Math.abs(slope - other) < 0.01 * Math.max(1, Math.abs(slope));
  return others.every(isNear) ? (slope + others[1]) / 2 : undefined;
}

const expectNear = (got: number, want: number, where: string): void =>
  expect(Math.abs(got - want), `${where}: ${got}, not ${want}`).toBeLessThan(
    0.01 * Math.max(1, Math.abs(want)),
  );

describe('the derivative of each operation, against differences', () => {
  it.for([
    's + 2 * s - s / 4',
    '3 / s - -s',
    's * s * s',
    's ** -2',
    's % 0.8',
    '2.3 % s',
    '-s % s',
    'Math.abs(s - 2)',
    'Math.min(s, 1) * Math.max(s, 1)',
    'Math.max(1, s)',
    'Math.hypot(s, 3)',
    's ** 2.5',
    '2 ** s',
    '1.7 ** s',
    's ** s',
    'Math.pow(s, 3)',
    'Math.cbrt(s)',
    'Math.atan2(s, 2)',
    'Math.atan2(3, s)',
    'Math.atan2(s, s * s)',
    'Math.sqrt(s)',
    ...['exp', 'log', 'log2', 'log10', 'sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'tanh'].map(
      (f) => `Math.${f}(s)`,
    ),
    ...['asin', 'acos', 'atanh'].map((f) => `Math.${f}(s / 3)`),
    'Math.asinh(s)',
    'Math.acosh(s + 1)',
    'Math.floor(s) * s + Math.round(s)',
    's > 1 ? s * s : -s',
    's > 1 ? 1 : 2',
    's > 1 ? 1 / (s - 1) : s',
    'Math.trunc(s) % 2',
  ])('%s', (text) => {
    const fn = functionOf(`(s) => ${text}`);
    const { derivative } = compileMod(fn, {}, { kind: 'score' });
    for (const score of [0.3, 0.9, 1.4, 2.2]) {
      const want = slopeOf((x) => fn(score + x) as number);
      expect(want).toBeDefined();
      expectNear(derivative!.js(score, 0, 0, 0, 0).score, want!, `${text} at ${score}`);
    }
  });

  it('a branch that is not taken does not spoil the other', () => {
    const { derivative } = compileMod(functionOf('(s) => s > 0 ? Math.log(s) : 3 * s'));
    expect(derivative!.js(0, 0, 0, 0, 0).score).toBe(3);
  });
});

/** The values with `x` times a direction of its own added to each float that can have a gradient. */
function moved(values: CaptureValues, x: number): CaptureValues {
  const bias = values.bias.map((value, i) => (value as number) + x * direction([i]));
  const half = values.half.map((row, i) =>
    (row as Nested).map((value, j) => (value as number) + x * direction([i, j])),
  );
  return { ...values, bias, half };
}

const direction = (indices: readonly number[]): number =>
  indices.reduce((sum, index, i) => sum + (index + 1) * (i === 0 ? 1 : -0.75), 0);

/** The derivatives by the score, and by the tables' elements along that direction. */
function derivatives(program: Program, values: CaptureValues) {
  const resolution = resolve('test', functionOf(printProgram(program)), declared(values));
  const mod = compileResolved('test', resolution, 'score');
  const { score, tables } = toDerivative(mod);
  const run = twin([score, ...tables.flatMap(({ value, indices }) => [value, ...indices])]);
  const slots = {
    scalars: mod.scalars.map(({ capture }) => resolution.scalars[capture]!),
    tables: mod.tables.map(({ name }) => values[name as 'ids']),
  };
  return ({ qLen, kvLen, ...pair }: Pair): { score: number; along: number } => {
    const [byScore, ...rest] = run({ inputs: { ...pair, qLen, kvLen }, ...slots }) as number[];
    let along = 0;
    for (const { slot, indices } of tables) {
      const sizes = slot.name === 'bias' ? [16] : [2, 4];
      const value = rest.shift()!;
      const at = indices.map((_, i) => Math.min(Math.max(rest.shift()!, 0), sizes[i]! - 1));
      along += value * direction(at);
    }
    return { score: byScore!, along };
  };
}

describe('the derivatives of random programs, against differences', () => {
  it('by the score and by the elements of tables', { timeout: 120_000 }, () => {
    let [compared, sloped] = [0, 0];
    const check = (got: number, want: number | undefined, where: string): void => {
      if (want === undefined) return;
      compared++;
      if (want !== 0) sloped++;
      expectNear(got, want, where);
    };
    const points = fc.array(pairs, { minLength: 4, maxLength: 4 });
    const tries = runs(300, 3);
    fc.assert(
      fc.property(scoreProgram, captureValues, points, (program, values, all) => {
        const derivativesAt = derivatives(program, values);
        const text = printProgram(program);
        for (const pair of all) {
          const { value, exact } = runReference(program, worldOf(values, pair));
          // Differences of what is as large as an infinity are lost in it.
          if (!exact || Math.abs(value as number) > 1e30) continue;
          const at = (given: CaptureValues, score: number): number =>
            runReference(program, worldOf(given, { ...pair, score })).value as number;
          const { score, along } = derivativesAt(pair);
          check(
            score,
            slopeOf((x) => at(values, pair.score + x)),
            `${text} by score`,
          );
          check(
            along,
            slopeOf((x) => at(moved(values, x), pair.score)),
            `${text} by tables`,
          );
        }
      }),
      tries,
    );
    expect(compared).toBeGreaterThan(tries.numRuns * 2);
    expect(sloped).toBeGreaterThan(tries.numRuns / 2);
  });
});
