import { planAttention } from '@heed/kernels-wgsl';
import { difference } from '../../budget/error-budgets.ts';
import { type Check, near, sameBits } from '../../budget/output-checks.ts';
import { denseProblem, pagedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { filled, generate, type NdArray } from '../../reference/nd-array.ts';
import { f16Value, type FloatDType, roundToF16, ulp } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { expectedFor, isRight, rightInSplits } from '../shared/expected-results.ts';

const width = 64;

/** Builds a problem with all scores 0 and the given values: out is the mean of the rows of v. */
function meanOf(
  dtype: FloatDType,
  lk: number,
  value: (row: number, d: number) => number,
): ReferenceProblem {
  const base = denseProblem({ dtype, lq: 1, lk, heads: [1, 1] });
  return {
    ...base,
    q: filled(base.q.shape, 0),
    v: generate([1, 1, lk, width], (i) => value(Math.floor(i / width), i % width)),
  };
}

/** Means of neighbouring f16 values are exact ties. The pairs cover many exponents, both parities and both signs. */
const ties = defineCase('dtypes', 'f16-ties-to-even', {
  dtypes: ['f16'],
  tags: ['browser'],
  async run(gpu, dtype) {
    const lower = (d: number): number =>
      (d % 2 === 0 ? 0 : 0x8000) | (((1 + ((d >> 1) % 29)) << 10) + ((d * 37) % 1023));
    const problem = meanOf(dtype, 2, (row, d) => f16Value(lower(d) + row));
    const got = await launch(gpu, problem, dtype);
    const want = generate([1, 1, 1, width], (d) =>
      roundToF16((f16Value(lower(d)) + f16Value(lower(d) + 1)) / 2),
    );
    return [sameBits('mean of neighbours', got.out, want)];
  },
});

/**
 * Each f16 element is within half an ulp of its own value, plus the budget of an f32 run. A kernel that multiplies by weights in
 * f16 has the budget of an f16 result.
 */
const nearest = defineCase('dtypes', 'f16-rounds-to-nearest', {
  dtypes: ['f16'],
  tags: ['browser'],
  async run(gpu, dtype) {
    const problem = denseProblem({ dtype, lq: 65, lk: 97 });
    const got = await launch(gpu, problem, dtype);
    const { q, k } = problem;
    const plan = planAttention(gpu, { layout: 'dense', dtype: 'f16', q: q.shape, k: k.shape });
    const hasF16Weights = plan.describe().includes('components=f16');
    plan.dispose();
    if (hasF16Weights) {
      const { out, budgets } = expectedFor(problem, 'f16');
      return [near('out', got.out, out, budgets.out)];
    }
    const { out } = expectedFor(problem, 'f32');
    const { limit } = expectedFor(problem, 'f32').budgets.out;
    const excess = generate(out.shape, (i) => {
      const want = out.data[i] as number;
      return Math.max(0, difference(got.out.data[i] as number, want) - ulp(want, 'f16') / 2);
    });
    return [
      near('error past half an ulp', excess, filled(out.shape, 0), {
        limit,
        naiveError: 0,
        allowance: limit,
      }),
    ];
  },
});

const extremes: Readonly<Record<FloatDType, readonly number[]>> = {
  f16: [
    65504,
    -65504,
    2 ** -14,
    -(2 ** -14),
    2 ** -24,
    -(2 ** -24),
    1023 * 2 ** -24,
    0,
    1,
    -1,
    1 + 2 ** -10,
    2048,
    2049 - 1,
  ],
  f32: [
    3.4e38,
    -3.4e38,
    2 ** -126,
    -(2 ** -126),
    0,
    1,
    -1,
    1 + 2 ** -23,
    16777216,
    2 ** 100,
    -(2 ** -100),
  ],
};

/** With one key, out is exactly the value of that key, also for the largest, smallest and subnormal numbers. */
const oneKey = defineCase('dtypes', 'one-key-copies-value', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const values = extremes[dtype].map(Math.fround);
    const base = denseProblem({ dtype, lq: 3, lk: 1, heads: [2, 1] });
    const problem: ReferenceProblem = {
      ...base,
      v: generate([1, 1, 1, width], (d) => values[d % values.length] as number),
    };
    const want = generate([1, 2, 3, width], (i) => problem.v.data[i % width] as number);
    const checks: Check[] = [];
    for (const numSplits of [1, 2]) {
      const got = await launch(gpu, problem, dtype, { numSplits });
      // A sum that starts from +0 may turn −0 into 0; the values hold no −0 to begin with.
      checks.push(sameBits(`numSplits=${numSplits}`, got.out, want));
    }
    return checks;
  },
});

/** Rows with an odd number of f16 elements, which cannot be stored word by word: every finite value is copied exactly. */
const everyHalf = defineCase('dtypes', 'every-half-in-odd-rows', {
  dtypes: ['f16'],
  tags: ['browser'],
  async run(gpu, dtype) {
    const dim = 7;
    // A sum that starts from +0 may turn −0 into 0.
    const halves = Array.from({ length: 1 << 16 }, (_, bits) => f16Value(bits)).filter(
      (x) => Number.isFinite(x) && !Object.is(x, -0),
    );
    const heads = Math.ceil(halves.length / dim);
    const base = denseProblem({ dtype, lq: 1, lk: 1, heads: [heads, heads], dim });
    const v = generate(base.v.shape, (i) => halves[i % halves.length] as number);
    const got = await launch(gpu, { ...base, v }, dtype);
    return [sameBits('one key', got.out, v)];
  },
});

/** Results beyond the range of f16 are ±∞, also in rows with an odd number of elements. */
const overflow = defineCase('dtypes', 'overflow-to-infinity', {
  dtypes: ['f16'],
  tags: ['browser'],
  async run(gpu, dtype) {
    const base = denseProblem({ dtype, lq: 3, lk: 1, heads: [2, 1], dim: 7 });
    const values = [65519, -65519, 65520, -65520, 1e30, -1e30, 1];
    const v = generate(base.v.shape, (i) => values[i % values.length] as number);
    const rounded = [65504, -65504, Infinity, -Infinity, Infinity, -Infinity, 1];
    const want = generate([1, 2, 3, 7], (i) => rounded[i % rounded.length] as number);
    const got = await launch(gpu, { ...base, v }, dtype, { kvDtype: 'f32' });
    return [sameBits('one key', got.out, want)];
  },
});

/** Scores far beyond the range of exp, positive and negative: one key has all the weight, and nothing overflows. */
const saturated = defineCase('dtypes', 'saturating-scores', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const magnitude = dtype === 'f16' ? 2 ** 10 : 2 ** 20;
    const base = denseProblem({ dtype, lq: 33, lk: 70, heads: [2, 1] });
    const row = (i: number): number => Math.floor(i / width);
    const problem: ReferenceProblem = {
      ...base,
      q: generate(base.q.shape, (i) => (row(i) % 2 === 0 ? magnitude : -magnitude)),
      k: generate(base.k.shape, (i) => ((row(i) * 29) % 70) + 1),
    };
    return isRight('saturated', await launch(gpu, problem, dtype), problem, dtype);
  },
});

/** Keys that no row sees may hold the largest finite values: their scores overflow without changing any result. */
const hidden = defineCase('dtypes', 'masked-huge-values', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const huge = dtype === 'f16' ? 65504 : 3e38;
    const options = { causal: true, align: 'start' } as const;
    const base = denseProblem({ dtype, lq: 33, lk: 70, heads: [2, 1], options });
    const raise = (x: NdArray): NdArray =>
      generate(x.shape, (i) =>
        i < 33 * width ? (x.data[i] as number) : i % 2 === 0 ? huge : -huge,
      );
    const problem: ReferenceProblem = { ...base, k: raise(base.k), v: raise(base.v) };
    return rightInSplits(gpu, problem, dtype, [1, 3]);
  },
});

/** f32 queries over f16 keys and values, as from a cache: out is f32 and as exact as over f32 keys. */
const halfCache = defineCase('dtypes', 'q-f32-kv-f16', {
  dtypes: ['f32'],
  async run(gpu, dtype) {
    const checks: Check[] = [];
    for (const problem of [
      denseProblem({ dtype: 'f16', lq: 33, lk: 70, options: { causal: true } }),
      pagedProblem({ dtype: 'f16', qLens: [1, 3], used: [70, 20], pageSize: 16 }),
    ]) {
      const got = await launch(gpu, problem, dtype, { kvDtype: 'f16' });
      checks.push(...isRight('mixed', got, problem, dtype));
    }
    return checks;
  },
});

export const dtypeCases: readonly RunnableCase[] = [
  ...ties,
  ...nearest,
  ...oneKey,
  ...everyHalf,
  ...overflow,
  ...saturated,
  ...hidden,
  ...halfCache,
];
