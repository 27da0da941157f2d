import { type Capabilities, type Tensor, UnsupportedError } from '@heed/core';
import { type Check, holds, sameBits } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { download, guardedOut, type Margins, Scope } from '../../problems/case-tensors.ts';
import { call, launch } from '../../problems/launch-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

const problems: Readonly<Record<string, (dtype: FloatDType, dimV: number) => ReferenceProblem>> = {
  dense: (dtype, dimV) =>
    denseProblem({ dtype, batch: 3, lq: 37, lk: 50, dimV, options: { causal: true } }),
  packed: (dtype, dimV) =>
    packedProblem({
      dtype,
      qLens: [33, 0, 1, 5],
      kLens: [40, 4, 9, 70],
      dimV,
      options: { causal: true },
    }),
};

/** Runs into `out`, and compares with a run that allocates its own. */
async function writesInto(
  scope: Scope,
  problem: ReferenceProblem,
  dtype: FloatDType,
  out: Tensor,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const numSplits of [1, 2]) {
    const want = await launch(scope.gpu, problem, dtype, { numSplits });
    const result = call(scope, problem, dtype, { numSplits, out });
    if (result.lse !== undefined) scope.own(result.lse);
    checks.push(holds('returned out', result.out === out, 'is not the tensor given'));
    checks.push(sameBits(`numSplits=${numSplits}`, await download(out), want.out));
    if (numSplits === 1) checks.push(...isRight('own out', want, problem, dtype));
  }
  return checks;
}

const margins: Readonly<Record<string, Margins>> = {
  'rows-around': { rows: [2, 5] },
  'columns-around': { rows: [0, 0], columns: [4, 4] },
  'even-row-stride': { rows: [1, 1], columns: [2, 4] },
};

const guarded = Object.keys(problems).flatMap((layout) =>
  Object.entries(margins).flatMap(([name, margin]) =>
    defineCase('out-param', `${layout}/${name}`, {
      // Rows that vector stores cannot write compile another pipeline.
      tier: name === 'even-row-stride' && layout === 'packed' ? 'full' : 'quick',
      tags: ['browser'],
      async run(gpu, dtype) {
        const scope = new Scope(gpu);
        try {
          const problem = (problems[layout] as (typeof problems)[string])(dtype, 64);
          const { out, untouched } = guardedOut(scope, problem.q.shape, dtype, margin);
          return [...(await writesInto(scope, problem, dtype, out)), await untouched()];
        } finally {
          scope.dispose();
        }
      },
    }),
  ),
);

/** `out` in [B, L, H, D] memory, passed as a permuted view. */
const swapped = defineCase('out-param', 'dense/swapped', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const scope = new Scope(gpu);
    try {
      const problem = problems['dense']?.(dtype, 64) as ReferenceProblem;
      const [b = 0, h = 0, l = 0, d = 0] = problem.q.shape;
      const memory = scope.own(gpu.empty([b, l, h, d], { dtype }));
      return await writesInto(scope, problem, dtype, memory.permute([0, 2, 1, 3]));
    } finally {
      scope.dispose();
    }
  },
});

const twoHalvesPerWord = (capabilities: Capabilities, dtype: FloatDType): boolean =>
  dtype === 'bf16' || (dtype === 'f16' && !capabilities.f16);

/** Rows of odd stride are written on every device that can store one element of the type, and refused on the others. */
const oddRows = defineCase('out-param', 'dense/odd-row-stride', {
  bf16Tier: 'quick',
  async run(gpu, dtype) {
    const scope = new Scope(gpu);
    try {
      const problem = problems['dense']?.(dtype, 64) as ReferenceProblem;
      const { out, untouched } = guardedOut(scope, problem.q.shape, dtype, {
        rows: [1, 1],
        columns: [1, 2],
      });
      if (!twoHalvesPerWord(gpu.capabilities, dtype)) {
        return [...(await writesInto(scope, problem, dtype, out)), await untouched()];
      }
      return [refused(() => call(scope, problem, dtype, { out })), await untouched()];
    } finally {
      scope.dispose();
    }
  },
});

function refused(run: () => unknown): Check {
  try {
    run();
  } catch (error) {
    return holds('refused', error instanceof UnsupportedError, `with ${String(error)}`);
  }
  return holds('refused', false, 'the call was accepted');
}

/** Head dims whose rows end within a word: the other half of the word must not change. */
const oddDims = [17, 33].flatMap((dimV) =>
  defineCase('out-param', `packed/dim-v-${dimV}`, {
    tier: dimV === 17 ? 'quick' : 'full',
    bf16Tier: dimV === 17 ? 'quick' : 'full',
    async run(gpu, dtype) {
      const problem = packedProblem({ dtype, qLens: [5, 3], kLens: [40, 9], heads: [3, 1], dimV });
      return isRight('out', await launch(gpu, problem, dtype), problem, dtype);
    },
  }),
);

export const outCases: readonly RunnableCase[] = [...guarded, ...swapped, ...oddRows, ...oddDims];
