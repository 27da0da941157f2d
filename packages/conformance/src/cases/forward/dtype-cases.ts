import { planAttention } from '@heed/kernels-wgsl';
import { difference } from '../../budget/error-budgets.ts';
import { type Check, holds, near, sameBits } from '../../budget/output-checks.ts';
import { denseProblem, pagedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { filled, generate, type NdArray } from '../../reference/nd-array.ts';
import {
  bf16Value,
  f16Value,
  type FloatDType,
  toStorage,
  ulp,
} from '../../reference/number-types.ts';
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

/** The 16-bit floats: the value of bits, the bits of a fraction, the exponent field of 1, and the largest number. */
const halves = {
  f16: { value: f16Value, fractionBits: 10, one: 15, largest: 65504 },
  bf16: { value: bf16Value, fractionBits: 7, one: 127, largest: (2 - 2 ** -7) * 2 ** 127 },
} as const;

type Half = keyof typeof halves;

const eachHalf = (cases: (half: Half) => readonly RunnableCase[]): readonly RunnableCase[] =>
  (Object.keys(halves) as Half[]).flatMap(cases);

/** Means of neighbouring values are exact ties. The pairs cover many exponents, both parities and both signs. */
const ties = eachHalf((half) =>
  defineCase('dtypes', `${half}-ties-to-even`, {
    dtypes: [half],
    tags: ['browser'],
    bf16Tier: 'quick',
    async run(gpu, dtype) {
      const { value, fractionBits, one } = halves[half];
      const unit = 2 ** fractionBits;
      const lower = (d: number): number =>
        (d % 2 === 0 ? 0 : 0x8000) |
        ((one - 14 + ((d >> 1) % 29)) * unit + ((d * 37) % (unit - 1)));
      const problem = meanOf(dtype, 2, (row, d) => value(lower(d) + row));
      const got = await launch(gpu, problem, dtype);
      const want = generate([1, 1, 1, width], (d) =>
        toStorage((value(lower(d)) + value(lower(d) + 1)) / 2, half),
      );
      return [sameBits('mean of neighbours', got.out, want)];
    },
  }),
);

/**
 * Each element is within half an ulp of its own value, plus the budget of an f32 run. A kernel that multiplies by weights in f16 has
 * the budget of an f16 result.
 */
const nearest = eachHalf((half) =>
  defineCase('dtypes', `${half}-rounds-to-nearest`, {
    dtypes: [half],
    tags: ['browser'],
    bf16Tier: 'quick',
    async run(gpu, dtype) {
      const problem = denseProblem({ dtype, lq: 65, lk: 97 });
      const got = await launch(gpu, problem, dtype);
      const { q, k } = problem;
      const plan = planAttention(gpu, { layout: 'dense', dtype: half, q: q.shape, k: k.shape });
      const hasF16Weights = plan.describe().includes('components=f16');
      plan.dispose();
      if (hasF16Weights) {
        const { out, budgets } = expectedFor(problem, half);
        return [
          holds('no bf16 in matrices of f16', half === 'f16', plan.describe()),
          near('out', got.out, out, budgets.out),
        ];
      }
      const { out } = expectedFor(problem, 'f32');
      const { limit } = expectedFor(problem, 'f32').budgets.out;
      const excess = generate(out.shape, (i) => {
        const want = out.data[i] as number;
        return Math.max(0, difference(got.out.data[i] as number, want) - ulp(want, half) / 2);
      });
      return [
        near('error past half an ulp', excess, filled(out.shape, 0), {
          limit,
          naiveError: 0,
          allowance: limit,
        }),
      ];
    },
  }),
);

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
  // bf16 has the exponents of f32, whose subnormal numbers an adapter may flush to 0.
  bf16: [
    (2 - 2 ** -7) * 2 ** 127,
    -(2 - 2 ** -7) * 2 ** 127,
    2 ** -126,
    -(2 ** -126),
    0,
    1,
    -1,
    1 + 2 ** -7,
    256,
    2 ** 100,
    -(2 ** -100),
  ],
};

/** With one key, out is exactly the value of that key, also for the largest, smallest and subnormal numbers. */
const oneKey = defineCase('dtypes', 'one-key-copies-value', {
  tags: ['browser'],
  bf16Tier: 'quick',
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

/**
 * Rows with an odd number of halves, which cannot be stored word by word: every finite value is copied exactly. The subnormal
 * numbers of bf16 are those of f32, which an adapter may flush to 0.
 */
const everyHalf = defineCase('dtypes', 'every-half-in-odd-rows', {
  dtypes: ['f16', 'bf16'],
  tags: ['browser'],
  bf16Tier: 'quick',
  async run(gpu, dtype) {
    const dim = 7;
    const { value } = halves[dtype as Half];
    const least = dtype === 'f16' ? 0 : 2 ** -126;
    // A sum that starts from +0 may turn −0 into 0.
    const all = Array.from({ length: 1 << 16 }, (_, bits) => value(bits)).filter(
      (x) => Number.isFinite(x) && !Object.is(x, -0) && (x === 0 || Math.abs(x) >= least),
    );
    const heads = Math.ceil(all.length / dim);
    const base = denseProblem({ dtype, lq: 1, lk: 1, heads: [heads, heads], dim });
    const v = generate(base.v.shape, (i) => all[i % all.length] as number);
    const got = await launch(gpu, { ...base, v }, dtype);
    return [sameBits('one key', got.out, v)];
  },
});

/** Results beyond the range of the type are ±∞, also in rows with an odd number of elements. */
const overflow = defineCase('dtypes', 'overflow-to-infinity', {
  dtypes: ['f16', 'bf16'],
  tags: ['browser'],
  bf16Tier: 'quick',
  async run(gpu, dtype) {
    const base = denseProblem({ dtype, lq: 3, lk: 1, heads: [2, 1], dim: 7 });
    const { largest } = halves[dtype as Half];
    // Half an ulp beyond the largest number, and the f32 before that.
    const tie = largest + ulp(largest, dtype) / 2;
    const below = tie * (1 - 2 ** -24);
    const beyond = Math.fround(3.4e38);
    const values = [below, -below, tie, -tie, beyond, -beyond, 1];
    const v = generate(base.v.shape, (i) => values[i % values.length] as number);
    const rounded = [largest, -largest, Infinity, -Infinity, Infinity, -Infinity, 1];
    const want = generate([1, 2, 3, 7], (i) => rounded[i % rounded.length] as number);
    const got = await launch(gpu, { ...base, v }, dtype, { kvDtype: 'f32' });
    return [sameBits('one key', got.out, want)];
  },
});

/**
 * Scores far beyond the range of exp, positive and negative: one key has all the weight, and nothing overflows. A score is one
 * product: a naive run is exact, so the budget has no room for the rounding of a sum.
 */
const saturated = defineCase('dtypes', 'saturating-scores', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const magnitude = dtype === 'f16' ? 2 ** 15 : 2 ** 26;
    const base = denseProblem({ dtype, lq: 33, lk: 70, heads: [2, 1] });
    const row = (i: number): number => Math.floor(i / width);
    const sign = (i: number): number => (row(i) % 2 === 0 ? 1 : -1);
    const problem: ReferenceProblem = {
      ...base,
      q: generate(base.q.shape, (i) => (i % width === 0 ? sign(i) * magnitude : 0)),
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

/** Queries over keys and values of another type, as from a cache: out has the type of q, and f32 is as exact as over f32 keys. */
const mixed = (dtype: FloatDType, kvDtype: FloatDType): readonly RunnableCase[] =>
  defineCase('dtypes', `q-${dtype}-kv-${kvDtype}`, {
    dtypes: [dtype],
    tier: kvDtype === 'bf16' ? 'full' : 'quick',
    bf16Tier: 'quick',
    async run(gpu) {
      const checks: Check[] = [];
      for (const build of [
        (type: FloatDType) =>
          denseProblem({ dtype: type, lq: 33, lk: 70, options: { causal: true } }),
        (type: FloatDType) =>
          pagedProblem({ dtype: type, qLens: [1, 3], used: [70, 20], pageSize: 16 }),
      ]) {
        const { q } = build(dtype);
        const problem = { ...build(kvDtype), q };
        const got = await launch(gpu, problem, dtype, { kvDtype });
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
  ...mixed('f32', 'f16'),
  ...mixed('f32', 'bf16'),
  ...mixed('bf16', 'f16'),
];
