import { sameRun } from '../../budget/output-checks.ts';
import { launch } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { sliceAxis } from '../../reference/nd-array.ts';
import type { AttentionState, Problem } from '../../reference/reference-problem.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight, sameSequences } from '../expect.ts';
import { formats, inPages, rowKinds } from './problem-cases.ts';

const length = 130;
const chunkings: Readonly<Record<string, readonly number[]>> = {
  'ragged-33-1-66-30': [33, 1, 66, 30],
  'prompt-then-decode': [127, 1, 1, 1],
};

/** Queries start…end−1 of one sequence against its pages as they were then. */
function chunk(whole: Problem, start: number, end: number): Problem {
  const cuSeqlensQ = Int32Array.of(0, end - start);
  const q = sliceAxis(whole.q, 0, start, end);
  return poisonUnused({ ...whole, q, cuSeqlensQ, seqUsedK: Int32Array.of(end) }, NaN);
}

const rowsOf = ({ out, lse }: AttentionState, start: number, end: number): AttentionState => ({
  out: sliceAxis(out, 0, start, end),
  lse: sliceAxis(lse, 1, start, end),
});

/** With one split, a prefill in chunks gives the bits of the whole. */
const chunked = formats.flatMap((format) =>
  Object.entries(chunkings).flatMap(([name, sizes]) =>
    defineCase('quantised-invariance', `${format}/chunks/${name}`, {
      async run(gpu, dtype) {
        const options = { causal: true, window: [90, 0] } as const;
        const spec = { dtype, qLens: [length], used: [length], pageSize: 16, options };
        const whole = inPages(spec, format);
        const want = await launch(gpu, whole, dtype, { numSplits: 1 });
        const checks = isRight('whole', want, whole, dtype);
        let start = 0;
        for (const size of sizes) {
          const end = start + size;
          const got = await launch(gpu, chunk(whole, start, end), dtype, { numSplits: 1 });
          checks.push(...sameRun(`rows ${start}…${end - 1}`, got, rowsOf(want, start, end)));
          start = end;
        }
        return checks;
      },
    }),
  ),
);

/** Sequence `b` of a paged problem by itself. */
function alone(problem: Problem, b: number): Problem {
  const { cuSeqlensQ, seqUsedK, blockTable } = problem as Required<Problem>;
  const [start, end] = [cuSeqlensQ[b]!, cuSeqlensQ[b + 1]!];
  const maxPages = blockTable.length / seqUsedK.length;
  return {
    ...problem,
    q: sliceAxis(problem.q, 0, start, end),
    cuSeqlensQ: Int32Array.of(0, end - start),
    seqUsedK: seqUsedK.slice(b, b + 1),
    blockTable: blockTable.slice(b * maxPages, (b + 1) * maxPages),
  };
}

/** With any fixed number of splits, a sequence has the bits that it has alone. */
const amongMates = formats.flatMap((format) =>
  (['prefill', 'decode'] as const).flatMap((rows) =>
    defineCase('quantised-invariance', `${format}/mates/${rows}`, {
      async run(gpu, dtype) {
        const { numSplits, qLens } = rowKinds[rows];
        const spec = { dtype, qLens, used: [100, 7, 150, 0, 64], pageSize: 16 };
        const batch = inPages({ ...spec, options: { causal: true } }, format);
        const want = await launch(gpu, batch, dtype, { numSplits });
        const checks = isRight('batch', want, batch, dtype);
        for (const b of [0, 2, 4]) {
          const one = alone(batch, b);
          const got = await launch(gpu, one, dtype, { numSplits });
          checks.push(...sameSequences(`sequence ${b}`, [one, got], [batch, want, [b]]));
        }
        return checks;
      },
    }),
  ),
);

export const invarianceCases: readonly Case[] = [...chunked, ...amongMates];
