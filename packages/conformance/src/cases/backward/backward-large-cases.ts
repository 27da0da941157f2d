import { type Check, near } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { Scope } from '../../problems/case-tensors.ts';
import {
  backward,
  forward,
  launchBackward,
  resultGradients,
} from '../../problems/launch-backward.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { filled, generate, type NdArray } from '../../reference/nd-array.ts';
import { toStorage } from '../../reference/number-types.ts';
import { referenceAttention } from '../../reference/reference-attention.ts';
import type { Gradients, ResultGradients } from '../../reference/reference-gradients.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import { headsOf, type Sequence, sequencesOf } from '../../reference/sequences.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import {
  areRight,
  base,
  type Build,
  enlarged,
  gradientCase,
  layoutProblems,
} from './gradient-case.ts';

const group = 'backward-large';

/** The factors of FlashAttention's overflow tests. */
const factors = { q: 5, k: 3, v: 3 } as const;

const lengths = [97, 128, 200, 256] as const;

const dense = lengths.flatMap((length) =>
  [false, true].flatMap((causal) =>
    gradientCase(
      group,
      `dense/length-${length}${causal ? '/causal' : ''}`,
      (dtype) =>
        enlarged(denseProblem({ ...base, dtype, lq: length, options: { causal } }), dtype, factors),
      {
        tier: length === 97 ? 'quick' : 'full',
        f16Tier: length === 97 && causal ? 'quick' : 'full',
        tags: length === 97 && causal ? ['browser'] : [],
      },
    ),
  ),
);

/** Few keys and many queries, from FlashAttention's overflow test of packed sequences. */
const packed = gradientCase(
  group,
  'packed/1-to-3-keys',
  (dtype) =>
    enlarged(
      packedProblem({ ...base, dtype, qLens: [76, 34, 146], kLens: [1, 1, 1] }),
      dtype,
      factors,
    ),
  { f16Tier: 'full' },
);

/** Keys and values that no row sees hold the largest finite numbers: products with them overflow without changing any gradient. */
const hiddenHuge: Build = (dtype) => {
  const [lq, lk] = [33, 70];
  const huge = dtype === 'f16' ? 65504 : 3e38;
  const options = { causal: true, align: 'start' } as const;
  const built = denseProblem({ ...base, dtype, lq, lk, options });
  const raise = (x: NdArray): NdArray =>
    generate(x.shape, (i) => {
      const key = Math.floor(i / base.dim) % lk;
      return key < lq ? x.data[i]! : i % 2 === 0 ? huge : -huge;
    });
  return { ...built, k: raise(built.k), v: raise(built.v) };
};

const hidden = gradientCase(group, 'hidden-huge-keys', hiddenHuge, {
  f16Tier: 'full',
  tags: ['browser'],
});

/** q and k of standard deviation 12 give scores and lse of several hundred. Sinks range from −∞ to one larger than all scores. */
const std12 = Object.entries(
  layoutProblems({ causal: true, sinks: generate([4], (h) => [-Infinity, 100, 400, 700][h]!) }),
).flatMap(([name, build]) =>
  [1, 3].flatMap((numSplits) =>
    gradientCase(
      group,
      `std-12/${name}${numSplits > 1 ? `/${numSplits}-splits` : ''}`,
      (dtype) => enlarged(build(dtype), dtype, { q: 8, k: 12, v: 1 }),
      {
        lse: true,
        launch: { numSplits },
        tier: numSplits === 1 || name === 'dense' ? 'quick' : 'full',
        f16Tier: numSplits === 1 && name === 'dense' ? 'quick' : 'full',
        tags: numSplits === 1 && name === 'dense' ? ['browser'] : [],
      },
    ),
  ),
);

/**
 * Gradients of scores that grow or shrink by 2⁸ and more from one tile to the next: from keys to keys by their weights, which follow
 * the first element of each key, and from queries to queries by dOut.
 */
const steep = (['growing', 'shrinking'] as const).flatMap((name) =>
  defineCase(group, `steep/${name}`, {
    f16Tier: name === 'growing' ? 'quick' : 'full',
    async run(gpu, dtype) {
      const length = 97;
      const built = denseProblem({ ...base, dtype, lq: length, options: { causal: false } });
      const place = (i: number, dim: number): number => {
        const row = Math.floor(i / dim) % length;
        return name === 'growing' ? row : length - 1 - row;
      };
      const withFirst = ({ shape, data }: NdArray, first: (i: number) => number): NdArray =>
        generate(shape, (i) => (i % base.dim === 0 ? first(i) : data[i]!));
      const problem = {
        ...built,
        q: withFirst(built.q, () => 64),
        k: withFirst(built.k, (i) => place(i, base.dim) / 64),
      };
      const { dOut } = resultGradients(problem, dtype);
      const power = (i: number): number => 8 * Math.floor(place(i, base.dim) / 32) - 15;
      const by = {
        dOut: generate(dOut.shape, (i) => toStorage(dOut.data[i]! * 2 ** power(i), dtype)),
      };
      const got = await launchBackward(gpu, problem, by, dtype);
      return areRight('backward', got, problem, by, dtype);
    },
  }),
);

const largeCases: readonly RunnableCase[] = [...dense, ...packed, ...hidden, ...std12, ...steep];

// The error of exp2 and of the order of a sum. Half an ulp of a score near 1,000 would be 250 times 2⁻²³.
const tolerance = 16 * 2 ** -23;

const scale = 0.25;
const options: ReferenceOptions = { causal: true, scale };
const sinks = generate([4], (h) => [-Infinity, 150, 400, 700][h]!);
const alibiSlopes = generate([4], (h) => 2 ** (-2 * h));

/** Builds a problem of one row, because dSinks is a sum over rows. */
const withSinks = (own: ReferenceOptions): Build => {
  const all = { ...options, sinks, ...own };
  return (dtype) => denseProblem({ ...base, dtype, lq: 1, lk: 100, options: all });
};

// No sequence has more rows than out has columns.
const problems: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 16, lk: 41, options }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [16, 0, 9], kLens: [33, 5, 12], options }),
  paged: (dtype) =>
    pagedProblem({ ...base, dtype, qLens: [12, 3], used: [40, 19], pageSize: 7, options }),
  sinks: withSinks({}),
  'softcap-and-slopes': withSinks({ softcap: 2000, alibiSlopes }),
};

/**
 * The weights that backward recomputes sum to 1 in each row, the weight of its sink included, however large lse is. This holds if
 * scores have the bits of the forward pass in every kernel, and if the state of a row is not rounded to one word in between.
 */
const weightCases: readonly RunnableCase[] = [
  ...Object.entries(problems).flatMap(([name, build]) => sumsToOne(name, build, 1)),
  ...sumsToOne('sinks/3-splits', problems['sinks']!, 3),
];

function sumsToOne(name: string, build: Build, numSplits: number): RunnableCase[] {
  return defineCase('backward-weights', name, {
    // The rounding of f16 is larger than the error tested here.
    dtypes: ['f32'],
    tags: name === 'packed' || name === 'sinks' ? ['browser'] : [],
    async run(gpu, dtype) {
      const large = enlarged(build(dtype), dtype, { q: 10, k: 18, v: 1 });
      const problem = poisonUnused({ ...large, k: endingInOne(large.k) }, NaN);
      const { byOut, byLse } = unitGradients(problem);
      const scope = new Scope(gpu);
      try {
        const result = forward(scope, problem, dtype, { numSplits });
        const ofOut = await backward(scope, result, byOut, dtype);
        const ofLse = await backward(scope, result, byLse, dtype);
        const sinkWeights = ofLse.dSinks?.data ?? [0, 0, 0, 0];
        const checks = [areOne('of dv', keySums(problem, ofOut, sinkWeights))];
        // With a softcap, dq includes its derivative.
        const { softcap } = problem.options;
        if (!softcap) checks.push(areOne('of dq', querySums(problem, ofLse, sinkWeights)));
        return checks;
      } finally {
        scope.dispose();
      }
    },
  });
}

/** Sets the last element of each key to 1: the last element of dq is then a sum of weights. */
function endingInOne({ shape, data }: NdArray): NdArray {
  const dim = shape.at(-1)!;
  return generate(shape, (i) => (i % dim === dim - 1 ? 1 : data[i]!));
}

/** Returns gradients that expose the weights: 1 at column i of out in row i, and 1 at every lse. */
function unitGradients(problem: ReferenceProblem): Record<'byOut' | 'byLse', ResultGradients> {
  const { out, lse } = referenceAttention(problem);
  const [dOut, nothing, dLse] = [filled(out.shape, 0), filled(out.shape, 0), filled(lse.shape, 1)];
  for (const { sequence, h, i } of rowsOf(problem)) dOut.data[sequence.out(h, i) + i] = 1;
  return { byOut: { dOut }, byLse: { dOut: nothing, dLse } };
}

/** Sums the weights of each row from dv, whose column i holds the weights of row i, summed over the heads of the group. */
function keySums(
  problem: ReferenceProblem,
  { dv }: Gradients,
  sinkWeights: ArrayLike<number>,
): number[] {
  const { query, kv } = headsOf(problem);
  const groupSize = query / kv;
  const rows = rowsOf(problem).filter(({ h }) => h % groupSize === 0);
  return rows.map(({ sequence, h, i }) => {
    let sum = 0;
    for (let g = h; g < h + groupSize; g++) sum += sinkWeights[g]!;
    for (let j = 0; j < sequence.kvLen; j++) sum += dv.data[sequence.v(h / groupSize, j) + i]!;
    return sum / groupSize;
  });
}

/** Sums the weights of each row from dq. With dLse = 1, the gradients of scores are the weights: dq = scale·Σ P·k. */
function querySums(
  problem: ReferenceProblem,
  { dq }: Gradients,
  sinkWeights: ArrayLike<number>,
): number[] {
  const last = headsOf(problem).qk - 1;
  return rowsOf(problem).map(
    ({ sequence, h, i }) => dq.data[sequence.q(h, i) + last]! / scale + sinkWeights[h]!,
  );
}

function rowsOf(problem: ReferenceProblem): { sequence: Sequence; h: number; i: number }[] {
  const { query } = headsOf(problem);
  return sequencesOf(problem).flatMap((sequence) =>
    Array.from({ length: query * sequence.qLen }, (_, n) => ({
      sequence,
      h: Math.floor(n / sequence.qLen),
      i: n % sequence.qLen,
    })),
  );
}

function areOne(label: string, sums: number[]): Check {
  const got = { shape: [sums.length], data: Float64Array.from(sums) };
  const budget = { limit: tolerance, naiveError: 0, allowance: tolerance };
  return near(`sums of weights, ${label}`, got, filled(got.shape, 1), budget);
}

/** Gradients at large scores and values. */
export const backwardLargeCases: readonly RunnableCase[] = [...largeCases, ...weightCases];
