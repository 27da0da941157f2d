import type { Gpu } from '@heed/core';
import { sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { rowsOf, sliceAxis } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type {
  AttentionState,
  ReferenceOptions,
  ReferenceProblem,
} from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

const length = 130;
const chunkings: Readonly<Record<string, readonly number[]>> = {
  'tiles-64-64-2': [64, 64, 2],
  'ragged-33-1-66-30': [33, 1, 66, 30],
  'prompt-then-decode': [127, 1, 1, 1],
};
const optionSets: Readonly<Record<string, ReferenceOptions>> = {
  causal: { causal: true },
  w40_0: { window: [40, 0] },
};

/** Returns queries start…end−1 against the cache at that time: keys past `end` are poison. */
function chunk(
  layout: Layout,
  whole: ReferenceProblem,
  start: number,
  end: number,
): ReferenceProblem {
  const q = sliceAxis(whole.q, 2, start, end);
  const dense: ReferenceProblem = { ...whole, q, seqUsedK: Int32Array.of(end) };
  return poisonUnused(layout === 'dense' ? dense : asPacked(layout, dense, end), NaN);
}

type Layout = 'dense' | 'packed' | 'paged';

/** Converts the one dense sequence to packed rows, or to pages of 16 rows in reverse order. */
function asPacked(
  layout: 'packed' | 'paged',
  dense: ReferenceProblem,
  used: number,
): ReferenceProblem {
  const lengths = {
    cuSeqlensQ: Int32Array.of(0, dense.q.shape[2] ?? 0),
    seqUsedK: Int32Array.of(used),
  };
  const [q, k, v] = [rowsOf(dense.q), rowsOf(dense.k), rowsOf(dense.v)];
  if (layout === 'packed')
    return { q, k, v, ...lengths, cuSeqlensK: Int32Array.of(0, length), options: dense.options };
  const pages = Math.ceil(length / 16);
  const blockTable = Int32Array.from({ length: pages }, (_, page) => pages - 1 - page);
  const pool = (x: ReferenceProblem['k']): ReferenceProblem['k'] => {
    const row = x.data.length / length;
    const data = new Float32Array(pages * 16 * row).fill(NaN);
    for (let j = 0; j < length; j++) {
      const to = (pages - 1 - Math.floor(j / 16)) * 16 + (j % 16);
      data.set(x.data.subarray(j * row, (j + 1) * row), to * row);
    }
    return { shape: [pages, 16, ...x.shape.slice(1)], data };
  };
  return { q, k: pool(k), v: pool(v), ...lengths, blockTable, options: dense.options };
}

async function compareChunks(
  gpu: Gpu,
  dtype: FloatDType,
  layout: Layout,
  options: ReferenceOptions,
  sizes: readonly number[],
) {
  const problem = denseProblem({ dtype, lq: length, heads: [2, 1], options });
  const whole = await launch(gpu, problem, dtype, { numSplits: 1 });
  const checks = isRight('whole', whole, problem, dtype);
  let start = 0;
  for (const size of sizes) {
    const end = start + size;
    const part = chunk(layout, problem, start, end);
    const got = await launch(gpu, part, dtype, { numSplits: 1 });
    checks.push(
      ...sameRun(
        `rows ${start}…${end - 1}`,
        layout === 'dense' ? got : asDense(got),
        rows(whole, start, end),
      ),
    );
    start = end;
  }
  return checks;
}

function rows({ out, lse }: AttentionState, start: number, end: number): AttentionState {
  return { out: sliceAxis(out, 2, start, end), lse: sliceAxis(lse, 2, start, end) };
}

/** Rearranges a packed result of one sequence as a dense one: [T, H, D] → [1, H, T, D]. */
function asDense({ out, lse }: AttentionState): AttentionState {
  const [tokens = 0, heads = 0, width = 0] = out.shape;
  return {
    out: rowsOf({ shape: [1, tokens, heads, width], data: out.data }, [1, heads, tokens, width]),
    lse: { shape: [1, ...lse.shape], data: lse.data },
  };
}

const chunked = Object.entries(optionSets).flatMap(([optionName, options]) =>
  (['dense', 'packed', 'paged'] as const).flatMap((layout) =>
    Object.entries(chunkings).flatMap(([name, sizes]) =>
      defineCase('chunked-prefill', `${layout}/${optionName}/${name}`, {
        tags: layout === 'packed' ? ['browser'] : [],
        run: (gpu, dtype) => compareChunks(gpu, dtype, layout, options, sizes),
      }),
    ),
  ),
);

/** Every row is decoded on its own, while the cache grows by one key at a time. */
const oneByOne = (['dense', 'packed', 'paged'] as const).flatMap((layout) =>
  defineCase('chunked-prefill', `${layout}/one-by-one`, {
    tier: layout === 'paged' ? 'quick' : 'full',
    run: (gpu, dtype) =>
      compareChunks(gpu, dtype, layout, { causal: true }, Array<number>(length).fill(1)),
  }),
);

/** All decode steps of one sequence in one packed call, with one query row per sequence. */
const allSteps = defineCase('chunked-prefill', 'packed/all-steps-in-one-call', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const steps = 40;
    const problem = denseProblem({ dtype, lq: steps, heads: [2, 1], options: { causal: true } });
    const whole = await launch(gpu, problem, dtype, { numSplits: 1 });
    const base = packedProblem({
      dtype,
      heads: [2, 1],
      qLens: Array<number>(steps).fill(1),
      kLens: Array<number>(steps).fill(steps),
    });
    const repeat = (x: ReferenceProblem['k']): ReferenceProblem['k'] => {
      const one = rowsOf(x);
      const data = new Float32Array(one.data.length * steps);
      for (let b = 0; b < steps; b++) data.set(one.data, b * one.data.length);
      return { shape: [steps * steps, ...one.shape.slice(1)], data };
    };
    const seqUsedK = Int32Array.from({ length: steps }, (_, b) => b + 1);
    const stepwise: ReferenceProblem = {
      ...base,
      q: rowsOf(problem.q),
      k: repeat(problem.k),
      v: repeat(problem.v),
      seqUsedK,
      options: problem.options,
    };
    const poisoned = poisonUnused(stepwise, NaN);
    return sameRun('steps', asDense(await launch(gpu, poisoned, dtype, { numSplits: 1 })), whole);
  },
});

export const chunkedPrefillCases: readonly RunnableCase[] = [...chunked, ...oneByOne, ...allSteps];
