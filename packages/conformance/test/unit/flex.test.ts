import { referenceAttention } from '@heed/conformance';
import type { Tensor } from '@heed/core';
import { bind } from '@heed/flex';
import { document } from '@heed/flex/masks';
import { describe, expect, it } from 'vitest';
import { allowScoreError } from '../../src/budget/error-budgets.ts';
import { allCases } from '../../src/cases/all-cases.ts';
import { kernels } from '../../src/cases/flex/pair-case.ts';
import { denseProblem } from '../../src/problems/build-problem.ts';
import { mods, withMods } from '../../src/problems/launch-flex.ts';
import { nestedTable, table } from '../../src/problems/captured-tables.ts';

describe('nestedTable', () => {
  const nested = nestedTable(table([2, 3], 'f32', (i) => [1, 2, NaN, 4, 5, 6][i] as number));

  it('clamps indices', () => {
    expect(nested[-5]![1]).toBe(2);
    expect(nested[9]![9]).toBe(6);
  });

  it('reads NaN as −∞', () => expect(nested[0]![2]).toBe(-Infinity));

  it('clamps in a bound function too', () => {
    const ids = nestedTable(table([3], 'i32', (i) => 10 + i)) as unknown as Tensor;
    const bound = bind(document, { id: ids }) as unknown as (...args: unknown[]) => boolean;
    expect([bound(0, 0, -5, 0, {}), bound(0, 0, 9, 2, {}), bound(0, 0, -5, 1, {})]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('is a number at rank 0', () => expect(nestedTable(table([], 'i32', () => 7.9))).toBe(7));

  it('holds what its dtype holds', () =>
    expect(nestedTable(table([1], 'f16', () => 1 / 3))[0]).toBe(0.333251953125));
});

describe('withMods', () => {
  const plain = denseProblem({ dtype: 'f32', heads: [1, 1], lq: 2, lk: 3, dim: 4 });

  it('gives the reference the plain functions with their captures', () => {
    const problem = withMods(plain, (given) =>
      mods({
        scoreMod: (s, b, h, q, kv, c, info) => c.bias[kv]! + info.qRow,
        maskMod: (b, h, q, kv) => kv <= q,
        captures: { bias: given(table([3], 'f32', (i) => [0, Math.log(3), NaN][i] as number)) },
      }),
    );
    // Positions 1 and 2; key 2 is NaN in the table, so hidden.
    const { lse } = referenceAttention(problem);
    expect(lse.data[0]).toBeCloseTo(Math.log(4), 6);
    expect(lse.data[1]).toBeCloseTo(Math.log(4) + 1, 6);
    expect(problem.plainOptions).toEqual(plain.options);
  });

  it('masks a NaN score', () => {
    const hidden = withMods(plain, () => mods({ scoreMod: () => NaN }));
    const { out, lse } = referenceAttention(hidden);
    expect([...lse.data]).toEqual([-Infinity, -Infinity]);
    expect(out.data.every((x) => x === 0)).toBe(true);
  });
});

describe('allowScoreError', () => {
  it('widens out by twice the error of the largest value, lse by the error', () => {
    const budget = { limit: 1, naiveError: 0.25, allowance: 0.5 };
    const array = { shape: [1], data: Float32Array.of(0) };
    const want = { out: array, lse: array, budgets: { out: budget, lse: budget } };
    const v = { shape: [3], data: Float32Array.of(1, -4, NaN) };
    const { out, lse } = allowScoreError(want, v, 0.125).budgets;
    expect([out.limit, lse.limit]).toEqual([2, 1.125]);
    expect(allowScoreError(want, v, 0)).toBe(want);
  });
});

describe('the quick tier', () => {
  const flexCases = allCases.filter((c) => c.group.startsWith('flex-'));
  const quick = flexCases.filter((c) => c.tier === 'quick');

  it('has every layout, for prefill and for decode', () => {
    for (const [layout, rows] of kernels)
      expect(
        quick.some((c) => c.id.includes(`/${layout}-${rows}/`)),
        `${layout}-${rows}`,
      ).toBe(true);
  });

  it('has every shipped mod and mask', () => {
    const names = (cases: typeof flexCases): Set<string | undefined> =>
      new Set(cases.filter((c) => c.group === 'flex-library').map((c) => c.id.split('/')[1]));
    expect(names(quick)).toEqual(names(flexCases));
  });
});
