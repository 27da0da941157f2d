import { referenceAttention } from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import { expected } from '../../src/budget/error-budgets.ts';
import { mismatchTable, near, sameBits, withinBudget } from '../../src/budget/output-checks.ts';
import { denseProblem } from '../../src/problems/build-problem.ts';
import { naiveAttention } from '../../src/reference/reference-attention.ts';
import { roundedQueries } from '../../src/reference/rounded-queries.ts';

const row = (...data: number[]) => ({ shape: [data.length], data: Float32Array.from(data) });

describe('error budget', () => {
  const problem = denseProblem({ dtype: 'f32', lq: 20, lk: 30, heads: [2, 1] });
  const [reference, naive] = [referenceAttention(problem), naiveAttention(problem)];

  it('is twice the naive error and a few ulp, and the naive run keeps it', () => {
    const want = expected(reference, naive, 'f32');
    const { limit, naiveError, allowance } = want.budgets.out;
    expect(limit).toBe(2 * naiveError + allowance);
    expect(naiveError).toBeGreaterThan(0);
    expect(limit).toBeLessThan(2e-6);
    expect(withinBudget('naive', naive, want).every((check) => check.ok)).toBe(true);
  });

  it('knows the rounding of the storage type', () => {
    const { limit } = expected(reference, naive, 'f16').budgets.out;
    expect(limit).toBeGreaterThan(2 ** -12);
    expect(limit).toBeLessThan(2 ** -8);
  });

  it.each([
    ['one element off', (x: number) => x + 1e-4],
    ['NaN', () => NaN],
    ['infinite', () => Infinity],
  ])('does not let %s pass', (_, change) => {
    const want = expected(reference, naive, 'f32');
    const data = Float32Array.from(naive.out.data);
    data[77] = change(data[77] as number);
    const [out, lse] = withinBudget(
      'run',
      { out: { shape: naive.out.shape, data }, lse: naive.lse },
      want,
    );
    expect(out?.ok).toBe(false);
    expect(out?.report).toContain('first at [0, 0, 1, 13]');
    expect(lse?.ok).toBe(true);
  });

  it('wants −∞ where the reference has −∞, and only there', () => {
    const budget = { limit: 1, naiveError: 0, allowance: 1 };
    expect(near('lse', row(-Infinity), row(-Infinity), budget).ok).toBe(true);
    expect(near('lse', row(-88), row(-Infinity), budget).ok).toBe(false);
    expect(near('lse', row(-Infinity), row(-88), budget).ok).toBe(false);
    expect(near('lse', row(), row(0), budget).ok).toBe(false);
  });
});

describe('rounded queries', () => {
  const keys = { shape: [1, 1, 2, 4], data: Float32Array.of(1, 2, 3, 4, 8, 1, 1, 1) };
  const rounded = (...q: number[]) =>
    roundedQueries({
      q: { shape: [1, 1, 1, 4], data: Float32Array.from(q) },
      k: keys,
      v: keys,
      options: { scale: 0.5 },
    });

  it('are whole steps of 1/127 of the largest element of their row', () => {
    const { problem, scoreError } = rounded(254, -3, 1, 0.9);
    expect([...problem.q.data]).toEqual([254, -4, 0, 0]);
    // −3 and 1 lie between two integers: a step of 2 times the largest element of the keys there, and the scale.
    expect(scoreError).toBe(0.5 * 2 * (2 + 3));
    expect(rounded(254, -3.01, 1.01, 0.9).scoreError).toBe(0);
  });

  it('of zeros stay zeros', () => {
    expect(rounded(0, 0, 0, 0)).toMatchObject({ scoreError: 0 });
    expect([...rounded(0, 0, 0, 0).problem.q.data]).toEqual([0, 0, 0, 0]);
  });
});

describe('sameBits', () => {
  it('tells −0 from 0 and takes a NaN for a NaN', () => {
    expect(sameBits('x', row(NaN, 1), row(NaN, 1)).ok).toBe(true);
    expect(sameBits('x', row(-0), row(0)).ok).toBe(false);
    expect(sameBits('x', row(1 + 2 ** -23), row(1)).ok).toBe(false);
  });
});

describe('mismatchTable', () => {
  it('shows index, got, want, difference, and a neighbour either side', () => {
    const comparison = {
      label: 'out',
      shape: [2, 3],
      got: [0, 1, NaN, 3, 4, 5],
      want: [0, 1, 2, 3, 4, 5],
      isBad: (g: number, w: number) => g !== w,
    };
    expect(mismatchTable(comparison)).toMatchInlineSnapshot(`
      "out [2, 3]: 1 of 6 elements off, first at [0, 2]
           index   got  want  difference
           [0, 1]  1    1     0
        ✗  [0, 2]  NaN  2     Infinity
           [1, 0]  3    3     0"
    `);
  });

  it('is empty when nothing is off, and names a wrong number of elements', () => {
    const comparison = {
      label: 'out',
      shape: [2],
      got: [1, 2],
      want: [1, 2],
      isBad: (g: number, w: number) => g !== w,
    };
    expect(mismatchTable(comparison)).toBe('');
    expect(mismatchTable({ ...comparison, got: [1] })).toBe('out: 1 elements, want 2');
  });

  it('stops at eight mismatches', () => {
    const got = Array<number>(1000).fill(1);
    const table = mismatchTable({
      label: 'x',
      shape: [1000],
      got,
      want: Array<number>(1000).fill(0),
      isBad: (g, w) => g !== w,
    });
    expect(table).toContain('1000 of 1000 elements off');
    expect(table.split('\n').length).toBe(2 + 9);
  });
});
