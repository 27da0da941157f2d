import type { Gpu } from '@heed/core';
import { type Check, finite, sameRun } from '../../budget/output-checks.ts';
import { guardedOut, Scope } from '../../problems/case-tensors.ts';
import { launch } from '../../problems/launch-problem.ts';
import { listContents, withLists } from '../../problems/selected-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { AttentionState, ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { isRight, sameSequences } from '../shared/expected-results.ts';
import { type Attack, attacks, packed, paged } from '../shared/hostile-lengths.ts';

/**
 * Runs a problem with invalid lengths. Memory around `out` stays as it was; every element is written, finite, and equal in a second
 * run; sequences with valid lengths keep their bits; and the next valid call is right.
 */
async function survives(
  gpu: Gpu,
  dtype: FloatDType,
  { problem: build, lengths, honest = [] }: Attack,
): Promise<Check[]> {
  const scope = new Scope(gpu);
  try {
    const problem = build(dtype);
    const hostile: ReferenceProblem = { ...problem, ...lengths };
    const truth = await launch(gpu, problem, dtype, { numSplits: 1, gpuLengths: true });
    const checks: Check[] = [];
    for (const numSplits of [1, 3]) {
      const { out, untouched } = guardedOut(scope, problem.q.shape, dtype);
      const got = await launch(gpu, hostile, dtype, { numSplits, gpuLengths: true, out });
      checks.push(await untouched(), finite(`numSplits=${numSplits}: out`, got.out), noNaN(got));
      const again = await launch(gpu, hostile, dtype, { numSplits, gpuLengths: true });
      checks.push(...sameRun(`numSplits=${numSplits}: again`, again, got));
      if (numSplits !== 1) continue;
      for (const b of honest)
        checks.push(
          ...sameSequences(`honest sequence ${b}`, [problem, got, [b]], [problem, truth, [b]]),
        );
    }
    checks.push(...isRight('the next call', await launch(gpu, problem, dtype), problem, dtype));
    return checks;
  } finally {
    scope.dispose();
  }
}

/** Checks that lse is never NaN; it may be −∞ for rows without keys. */
function noNaN({ lse }: AttentionState): Check {
  return finite('lse', {
    shape: lse.shape,
    data: lse.data.map((x) => (x === -Infinity ? 0 : x)),
  });
}

/** Lengths and block tables of random 32-bit integers, some of them near the valid range. */
function fuzz(rounds: number, tier: Tier): RunnableCase[] {
  return defineCase('hostile-lengths', `fuzz/${rounds}-rounds`, {
    tier,
    async run(gpu, dtype, signal) {
      const source = random(42);
      const word = (): number =>
        source.below(2) === 0 ? source.below(200) - 60 : (source.uniform() * 2 ** 32 - 2 ** 31) | 0;
      const words = (n: number): Int32Array => Int32Array.from({ length: n }, word);
      const checks: Check[] = [];
      for (let round = 0; round < rounds; round++) {
        signal?.throwIfAborted();
        const lengths = { cuSeqlensQ: words(5), seqUsedK: words(4) };
        const attack: Attack =
          round % 2 === 0
            ? { problem: packed, lengths: { ...lengths, cuSeqlensK: words(5) } }
            : { problem: paged, lengths: { ...lengths, blockTable: words(16) } };
        checks.push(...(await survives(gpu, dtype, attack)));
      }
      return checks;
    },
  });
}

const withSelected = ({ problem, ...attack }: Attack): Attack => ({
  ...attack,
  problem: (dtype) => withLists(problem(dtype), { heads: 2, entries: 40 }, listContents.mixed),
});

/** The same where lists of selected keys name the keys. */
const selected = ['packed/used-huge', 'packed/cu-q-unsorted', 'paged/ids-extreme'].flatMap((name) =>
  defineCase('hostile-lengths', `selected-keys/${name}`, {
    f16Tier: 'full',
    run: (gpu, dtype) => survives(gpu, dtype, withSelected(attacks[name]!(dtype))),
  }),
);

export const hostileLengthCases: readonly RunnableCase[] = [
  ...Object.entries(attacks).flatMap(([name, attack]) =>
    defineCase('hostile-lengths', name, {
      tags: ['browser'],
      run: (gpu, dtype) => survives(gpu, dtype, attack(dtype)),
    }),
  ),
  ...selected,
  ...fuzz(4, 'quick'),
  ...fuzz(200, 'full'),
];
