import { type Check, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { gather } from '../../problems/rearrange-problem.ts';
import { generate, type NdArray, sliceAxis } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { isRight, sameSequences } from '../shared/expected-results.ts';

/** The windows of PyTorch's test_batch_invariance; the narrow one is scaled to these lengths. */
const optionSets: Readonly<Record<string, ReferenceOptions>> = {
  full: {},
  causal: { causal: true },
  w1025_1025: { window: [1025, 1025] },
  w48_0: { window: [48, 0] },
};

/** A sequence gives the same bits alone and in any batch, at any index. */
const orders: readonly (readonly number[])[] = [[0], [1, 0], [0, 2], [2, 1, 0], [0, 0, 0]];

const batchProblems: Readonly<
  Record<string, (dtype: FloatDType, options: ReferenceOptions) => ReferenceProblem>
> = {
  prefill: (dtype, options) =>
    packedProblem({ dtype, qLens: [150, 33, 200], kLens: [150, 64, 200], options }),
  decode: (dtype, options) =>
    packedProblem({ dtype, qLens: [1, 1, 1], kLens: [150, 17, 200], options }),
  'few-rows': (dtype, options) =>
    packedProblem({ dtype, qLens: [7, 2, 12], kLens: [150, 17, 200], options }),
};

function amongMates(layout: string, optionName: string, numSplits: number): RunnableCase[] {
  return defineCase('batch-invariance', `packed-${layout}/${optionName}/splits-${numSplits}`, {
    tags: layout === 'prefill' ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = (batchProblems[layout] as (typeof batchProblems)[string])(
        dtype,
        optionSets[optionName] ?? {},
      );
      const whole = await launch(gpu, problem, dtype, { numSplits });
      const checks: Check[] = [];
      for (const order of orders) {
        const batch = gather(problem, order);
        const got = await launch(gpu, batch, dtype, { numSplits });
        const all = order.map((_, place) => place);
        checks.push(
          ...sameSequences(
            `order ${order.join(',')}`,
            [batch, got, all],
            [problem, whole, [...order]],
          ),
        );
      }
      return checks;
    },
  });
}

/** Each entry of a dense batch, with its own used length, gives the bits of the same entry alone. */
function denseEntries(numSplits: number): RunnableCase[] {
  return defineCase('batch-invariance', `dense/splits-${numSplits}`, {
    async run(gpu, dtype) {
      const problem = denseProblem({
        dtype,
        batch: 3,
        lq: 5,
        lk: 128,
        seqUsedK: [128, 70, 9],
        options: { causal: true },
      });
      const whole = await launch(gpu, problem, dtype, { numSplits });
      const checks: Check[] = [];
      for (const b of [0, 1, 2]) {
        const alone = gather(problem, [b]);
        const got = await launch(gpu, alone, dtype, { numSplits });
        checks.push(...sameSequences(`entry ${b}`, [alone, got], [problem, whole, [b]]));
      }
      return checks;
    },
  });
}

/** The same rows in other pages, and packed, give the same bits. */
const otherPages = defineCase('batch-invariance', 'page-placement', {
  async run(gpu, dtype) {
    const first = pagedProblem({ dtype, qLens: [1, 9], used: [100, 65], pageSize: 16 });
    const want = await launch(gpu, first, dtype, { numSplits: 2 });
    const rows = gather(first);
    const got = await launch(gpu, rows, dtype, { numSplits: 2 });
    const moved = movePages(first);
    const again = await launch(gpu, moved, dtype, { numSplits: 2 });
    return [
      ...sameSequences('gathered', [rows, got], [first, want]),
      ...sameSequences('pages moved', [moved, again], [first, want]),
    ];
  },
});

/** Reverses the order of the pages in the pool, and their ids in the block table. */
function movePages(problem: ReferenceProblem): ReferenceProblem {
  const pages = problem.k.shape[0] ?? 0;
  const reversed = (from: ReferenceProblem['k']): ReferenceProblem['k'] => {
    const size = from.data.length / pages;
    const data = new Float32Array(from.data.length);
    for (let page = 0; page < pages; page++)
      data.set(from.data.subarray(page * size, (page + 1) * size), (pages - 1 - page) * size);
    return { shape: from.shape, data };
  };
  const blockTable = (problem.blockTable ?? new Int32Array()).map((page) =>
    page < 0 ? page : pages - 1 - page,
  );
  return { ...problem, k: reversed(problem.k), v: reversed(problem.v), blockTable };
}

/** Writes the first element of each row. */
function withFirst(array: NdArray, value: (row: number) => number): NdArray {
  const width = array.shape.at(-1)!;
  return generate(array.shape, (i) => (i % width === 0 ? value(i / width) : array.data[i]!));
}

/**
 * The scores of row i grow by i / 4 from key tile to key tile, so that the rows of a query tile outgrow their maxima in different
 * key tiles or in none. Each row has the bits that it has alone.
 */
const growingRows = defineCase('batch-invariance', 'growing-rows', {
  async run(gpu, dtype) {
    const base = denseProblem({ dtype, lq: 65, lk: 160, heads: [1, 1], options: { scale: 1 / 8 } });
    const problem = {
      ...base,
      q: withFirst(base.q, (i) => i / 4),
      k: withFirst(base.k, (j) => 8 * Math.floor(j / 32)),
    };
    const whole = await launch(gpu, problem, dtype, { numSplits: 1, returnMax: true });
    const checks = isRight('whole', whole, problem, dtype);
    for (const row of [0, 20, 41, 64]) {
      const alone = { ...problem, q: sliceAxis(problem.q, 2, row, row + 1) };
      const got = await launch(gpu, alone, dtype, { numSplits: 1 });
      const [out, lse] = [whole.out, whole.lse].map((x) => sliceAxis(x, 2, row, row + 1));
      checks.push(...sameRun(`row ${row}`, got, { out: out!, lse: lse! }));
    }
    return checks;
  },
});

const batchInvarianceCases: readonly RunnableCase[] = [
  ...Object.keys(batchProblems).flatMap((layout) =>
    Object.keys(optionSets).flatMap((options) =>
      [1, 4].flatMap((numSplits) => amongMates(layout, options, numSplits)),
    ),
  ),
  ...[1, 4].flatMap(denseEntries),
  ...otherPages,
  ...growingRows,
];

const repeatedProblems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  'dense-prefill': (dtype) => denseProblem({ dtype, lq: 150, options: { causal: true } }),
  'dense-decode': (dtype) => denseProblem({ dtype, batch: 2, lq: 1, lk: 700, heads: [8, 2] }),
  'packed-prefill': (dtype) =>
    packedProblem({ dtype, qLens: [100, 1, 33], options: { causal: true } }),
  'paged-decode': (dtype) =>
    pagedProblem({ dtype, qLens: [1, 1, 1], used: [300, 40, 129], pageSize: 16 }),
};

function repeats(
  name: string,
  build: (dtype: FloatDType) => ReferenceProblem,
  runs: number,
  tier: Tier,
): RunnableCase[] {
  return defineCase('determinism', `${name}/${runs}-runs`, {
    tier,
    tags: ['browser'],
    async run(gpu, dtype, signal) {
      const problem = build(dtype);
      const first = await launch(gpu, problem, dtype);
      const checks: Check[] = [];
      for (let run = 1; run < runs; run++) {
        signal?.throwIfAborted();
        checks.push(...sameRun(`run ${run}`, await launch(gpu, problem, dtype), first));
      }
      return checks;
    },
  });
}

const determinismCases: readonly RunnableCase[] = Object.entries(repeatedProblems).flatMap(
  ([name, build]) => [...repeats(name, build, 8, 'quick'), ...repeats(name, build, 250, 'full')],
);

/** Cases in which bits must not depend on the batch or on the run. */
export const invarianceCases: readonly RunnableCase[] = [
  ...batchInvarianceCases,
  ...determinismCases,
];
