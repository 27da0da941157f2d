import {
  type AttentionState,
  referenceAttention,
  type ReferenceProblem as Problem,
} from '@heed/conformance';
import type { Tensor } from '@heed/core';
import { bind } from '@heed/flex';
import { document } from '@heed/flex/masks';
import { describe, expect, it } from 'vitest';
import { allowScoreError } from '../../src/budget/error-budgets.ts';
import { allCases } from '../../src/cases/all-cases.ts';
import { kernels } from '../../src/cases/flex/pair-case.ts';
import {
  cumulative,
  denseProblem,
  packedProblem,
  pagedProblem,
} from '../../src/problems/build-problem.ts';
import { nestedTable, table } from '../../src/problems/host-tables.ts';
import { mods, withMods } from '../../src/problems/launch-flex.ts';
import { gather, gatherState, pad, poisonUnused } from '../../src/problems/rearrange-problem.ts';
import { rowsOf, sliceAxis } from '../../src/reference/nd-array.ts';

const numbers = ({ out, lse }: AttentionState): number[][] => [[...out.data], [...lse.data]];
const small = { dtype: 'f32', heads: [2, 1], dim: 3 } as const;

const problems: readonly [string, Problem][] = [
  [
    'dense',
    denseProblem({
      ...small,
      batch: 3,
      lq: 4,
      lk: 6,
      seqUsedK: [6, 0, 2],
      options: { causal: true },
    }),
  ],
  ['packed', packedProblem({ ...small, qLens: [2, 0, 3], kLens: [4, 2, 5], spareRows: [2, 2] })],
  [
    'slots',
    packedProblem({
      ...small,
      qLens: [2, 0, 3],
      kLens: [4, 2, 5],
      used: [1, 2, 4],
      options: { window: [1, 1] },
    }),
  ],
  ['paged', pagedProblem({ ...small, qLens: [2, 1, 3], used: [7, 0, 4], pageSize: 3 })],
  [
    'shared pages',
    pagedProblem({ ...small, qLens: [2, 1, 3], used: [7, 2, 4], pageSize: 3, pages: 'shared' }),
  ],
];

describe.each(problems)('gather of a %s problem', (_, problem) => {
  it('keeps every result', () => {
    const whole = referenceAttention(poisonUnused(problem, NaN));
    for (const order of [undefined, [2], [1, 0], [2, 2, 1]]) {
      const part = referenceAttention(gather(problem, order));
      expect(numbers(part)).toEqual(numbers(gatherState(problem, whole, order)));
    }
  });

  it('keeps no unused row', () => {
    const poisoned = gather(poisonUnused(problem, NaN));
    expect([...poisoned.q.data, ...poisoned.k.data, ...poisoned.v.data].some(Number.isNaN)).toBe(
      false,
    );
  });
});

describe('poisonUnused', () => {
  it('reaches page tails, unowned pages and rows in no sequence', () => {
    const paged = poisonUnused(pagedProblem({ ...small, qLens: [1], used: [4], pageSize: 3 }), NaN);
    const poisonedRows = paged.k.data.filter(Number.isNaN).length / 3;
    expect(poisonedRows).toBe((paged.k.shape[0] as number) * 3 - 4);
    const packed = poisonUnused(packedProblem({ ...small, qLens: [2], spareRows: [1, 1] }), NaN);
    expect([...packed.q.data.slice(-6), ...packed.k.data.slice(-3)].every(Number.isNaN)).toBe(true);
  });
});

describe('pad', () => {
  it('gives the packed results back', () => {
    const packed = packedProblem({ ...small, qLens: [2, 5, 1], options: { causal: true } });
    const padded = pad(packed);
    expect(padded.problem.q.shape).toEqual([3, 2, 5, 3]);
    expect(numbers(padded.unpad(referenceAttention(padded.problem)))).toEqual(
      numbers(referenceAttention(packed)),
    );
  });
});

describe('slices', () => {
  it('cut one axis, and turn a dense tensor into rows', () => {
    const x = { shape: [1, 2, 3, 2], data: Float32Array.from({ length: 12 }, (_, i) => i) };
    expect([...sliceAxis(x, 2, 1, 3).data]).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
    expect(rowsOf(x)).toEqual({
      shape: [3, 2, 2],
      data: Float32Array.of(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11),
    });
    expect([...cumulative([2, 0, 3])]).toEqual([0, 2, 2, 5]);
  });
});

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
    // Positions 1 and 2. Key 2 is NaN in the table, so it is masked.
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
