import { causal } from '@heed/flex/masks';
import { attentionWeights, keyMass } from '@heed/kernels-wgsl';
import { gradientBudget, largest, widened } from '../../budget/error-budgets.ts';
import { type Check, near, sameBits } from '../../budget/output-checks.ts';
import {
  denseProblem,
  packedProblem,
  pagedProblem,
  quantised,
} from '../../problems/build-problem.ts';
import { download, Scope, uploadArray } from '../../problems/case-tensors.ts';
import { mods, withMods } from '../../problems/launch-flex.ts';
import {
  launchWeights,
  type WeightFunction,
  weightFunctions,
  type WeightsLaunch,
} from '../../problems/launch-weights.ts';
import { listContents, poisonUnselected, withLists } from '../../problems/selected-problem.ts';
import { upload, viewOf } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { filled, generate, type NdArray } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import {
  naiveKeyMass,
  naiveWeights,
  referenceKeyMass,
  referenceWeights,
} from '../../reference/reference-weights.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { expectedFor } from '../shared/expected-results.ts';

const references = {
  attentionWeights: [referenceWeights, naiveWeights],
  keyMass: [referenceKeyMass, naiveKeyMass],
} as const;

/**
 * Checks a result against float64. The budget is that of gradients, which are sums of weights too; an lse that is within its own budget is
 * off by up to E, and every weight by a factor of about 1 + E.
 */
function isRight(
  name: WeightFunction,
  label: string,
  got: NdArray,
  problem: ReferenceProblem,
  dtype: FloatDType,
): Check {
  const [exact, naive] = references[name];
  const want = exact(problem);
  const budget = gradientBudget(want, naive(problem), 'f32');
  const ofLse = largest(want) * expectedFor(problem, dtype).budgets.lse.limit;
  return near(`${name}, ${label}`, got, want, widened(budget, ofLse));
}

const sinks = generate([4], (h) => [3, -60, -Infinity, 1][h] as number);

type Build = (dtype: FloatDType) => ReferenceProblem;

const allOptions: ReferenceOptions = {
  sinks,
  window: [20, 3],
  softcap: 5,
  scale: 0.3,
  alibiSlopes: generate([4], (h) => 2 ** -(h + 1)),
};

const problems: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ dtype, batch: 2, lq: 7, lk: 70, options: { sinks } }),
  'dense-used': (dtype) =>
    denseProblem({ dtype, batch: 3, lq: 5, lk: 70, seqUsedK: [0, 70, 33], dim: 17 }),
  'keys-of-batch-1': (dtype) => denseProblem({ dtype, batch: 2, kvBatch: 1, lq: 5, lk: 33 }),
  'all-options': (dtype) => denseProblem({ dtype, lq: 40, lk: 70, options: allOptions }),
  // The first rows see no key.
  'causal-lq-over-lk': (dtype) =>
    denseProblem({ dtype, heads: [6, 1], lq: 40, lk: 33, options: { causal: true } }),
  packed: (dtype) =>
    packedProblem({
      dtype,
      qLens: [5, 0, 1, 9],
      kLens: [65, 3, 0, 70],
      spareRows: [3, 3],
      options: { causal: true },
    }),
  'packed-used': (dtype) => packedProblem({ dtype, qLens: [3, 9], kLens: [65, 70], used: [65, 7] }),
  paged: (dtype) => pagedProblem({ dtype, qLens: [1, 5, 1], used: [100, 33, 0], pageSize: 16 }),
  // Some keys are named twice, and those that no list names hold NaN.
  'selected-keys': (dtype) =>
    poisonUnselected(
      withLists(
        denseProblem({ dtype, batch: 2, lq: 7, lk: 40, options: { sinks, causal: true } }),
        { heads: 2, entries: 50 },
        listContents.mixed,
      ),
      NaN,
    ),
  'selected-blocks-per-head': (dtype) =>
    withLists(
      pagedProblem({ dtype, qLens: [1, 5], used: [100, 33], pageSize: 16 }),
      { heads: 4, entries: 9, blockSize: 3 },
      listContents.repeated,
    ),
  int8: (dtype) =>
    quantised(pagedProblem({ dtype, qLens: [1, 5], used: [40, 33], pageSize: 7 }), 'int8'),
};

/** By themselves, and from the lse of a call of attention. */
const againstFloat64 = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('weights', name, {
    f16Tier: name === 'dense' ? 'quick' : 'full',
    tags: ['browser'],
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype), NaN);
      const checks: Check[] = [];
      for (const fn of weightFunctions) {
        for (const givesLse of [false, true]) {
          const got = await launchWeights(gpu, fn, problem, dtype, { givesLse });
          checks.push(isRight(fn, givesLse ? 'lse given' : 'lse computed', got, problem, dtype));
        }
      }
      return checks;
    },
  }),
);

/** Some rows, and no row, have the bits of all rows. */
const rowCases = ['dense', 'packed'].flatMap((name) =>
  defineCase('weights', `some-rows/${name}`, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const problem = problems[name]!(dtype);
      const of = (rows: WeightsLaunch['rows']) =>
        launchWeights(gpu, 'attentionWeights', problem, dtype, rows ? { rows } : {});
      const whole = await of(undefined);
      const checks: Check[] = [];
      for (const [start, end] of [
        [2, 5],
        [0, 1],
        [3, 3],
      ] as const) {
        checks.push(
          sameBits(`rows ${start} to ${end}`, await of([start, end]), rowsOf(whole, start, end)),
        );
      }
      return checks;
    },
  }),
);

/** Returns rows of an array [..., rows, columns]. */
function rowsOf({ shape, data }: NdArray, start: number, end: number): NdArray {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const part = data.filter((_, i) => {
    const row = Math.floor(i / columns) % rows;
    return row >= start && row < end;
  });
  return { shape: [...shape.slice(0, -2), end - start, columns], data: part };
}

/** Another call's options are taken whole, whatever their values. */
const ignored = defineCase('weights', 'ignored-options', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = problems['dense']!(dtype);
    const checks: Check[] = [];
    for (const fn of weightFunctions) {
      const want = await launchWeights(gpu, fn, problem, dtype);
      const got = await launchWeights(gpu, fn, problem, dtype, {
        ignored: (scope) => ({
          out: uploadArray(scope, filled([3], 0), 'f32'),
          numSplits: 7,
          returnLse: false,
          returnMax: true,
          dropout: { rate: 0.9, seed: 5 },
        }),
      });
      checks.push(sameBits(`${fn}, options ignored`, got, want));
      checks.push(sameBits(`${fn}, again`, await launchWeights(gpu, fn, problem, dtype), want));
    }
    return checks;
  },
});

/** Lengths that only the GPU knows give all key rows as columns; the columns of a sequence are the same. */
const gpuLengths = defineCase('weights', 'gpu-lengths', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = problems['packed']!(dtype);
    const checks: Check[] = [];
    for (const fn of weightFunctions) {
      const want = await launchWeights(gpu, fn, problem, dtype);
      const got = await launchWeights(gpu, fn, problem, dtype, { gpuLengths: true });
      const columns = want.shape.at(-1)!;
      const width = got.shape.at(-1)!;
      const kept = got.data.filter((_, i) => i % width < columns);
      checks.push(sameBits(fn, { shape: want.shape, data: kept }, want));
      checks.push(
        sameBits(
          `${fn}, beyond the lengths`,
          { shape: got.shape, data: got.data.map((x, i) => (i % width < columns ? 0 : x)) },
          filled(got.shape, 0),
        ),
      );
    }
    return checks;
  },
});

const flexCases = Object.entries({
  dense: (dtype: FloatDType) => denseProblem({ dtype, lq: 40, lk: 70, options: { sinks } }),
  paged: (dtype: FloatDType) =>
    pagedProblem({ dtype, qLens: [9, 5], used: [40, 33], pageSize: 16 }),
}).flatMap(([name, build]) =>
  defineCase('weights', `with-mods/${name}`, {
    f16Tier: 'full',
    tags: name === 'dense' ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = withMods(build(dtype), () =>
        mods({
          scoreMod: (score, _b, _h, q, kv) => (kv === q ? -Infinity : score + 0.125 * (q - kv)),
          maskMod: causal,
        }),
      );
      const checks: Check[] = [];
      for (const fn of weightFunctions) {
        for (const options of [{}, { blockSize: 32 }]) {
          const got = await launchWeights(gpu, fn, problem, dtype, options);
          checks.push(isRight(fn, JSON.stringify(options), got, problem, dtype));
        }
      }
      return checks;
    },
  }),
);

/** A view of a cache gives the bits of its parts. */
const views = defineCase('weights', 'paged-view', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = problems['paged']!(dtype);
    const scope = new Scope(gpu);
    try {
      const { q, cuSeqlensQ } = upload(scope, problem, dtype);
      const view = viewOf(scope, problem, dtype);
      const checks: Check[] = [];
      for (const [name, fn] of [
        ['attentionWeights', attentionWeights],
        ['keyMass', keyMass],
      ] as const) {
        const got = scope.own(fn(q, view, { cuSeqlensQ: cuSeqlensQ! }));
        const want = await launchWeights(gpu, name, problem, dtype);
        checks.push(sameBits(`${name}, view`, await download(got, name), want));
      }
      return checks;
    } finally {
      scope.dispose();
    }
  },
});

/** A large weight absorbs those after it, and none before it: the sum goes by ascending queries. */
const ascending = defineCase('weights', 'summed-in-ascending-order', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const rows = 600;
    const heads = [1, 1] as const;
    const problem = denseProblem({ dtype, heads, lq: rows, lk: 3 });
    const checks: Check[] = [];
    for (const large of [0, rows - 1]) {
      const scope = new Scope(gpu);
      try {
        // Scores of 0: the weights of a row are exp(−lse).
        const q = uploadArray(scope, filled(problem.q.shape, 0), dtype);
        const k = uploadArray(scope, problem.k, dtype);
        const lse = generate([1, 1, rows], (row) => (row === large ? -25 * Math.LN2 : 0));
        const given = { lse: uploadArray(scope, lse, 'f32') };
        const mass = await download(scope.own(keyMass(q, k, given)), 'keyMass');
        const before = large === 0 ? 0 : rows - 1;
        const want = filled([1, 1, 3], 2 ** 25 + before);
        // exp may be off by several ulp, of 4 each.
        const budget = { limit: rows / 4, naiveError: 0, allowance: rows / 4 };
        checks.push(near(`after ${large} rows`, mass, want, budget));
      } finally {
        scope.dispose();
      }
    }
    return checks;
  },
});

/** Cases of attentionWeights and keyMass. */
export const weightsCases: readonly RunnableCase[] = [
  ...againstFloat64,
  ...rowCases,
  ...ignored,
  ...gpuLengths,
  ...flexCases,
  ...views,
  ...ascending,
];
