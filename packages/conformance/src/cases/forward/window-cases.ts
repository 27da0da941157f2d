import { maxDifference } from '../../budget/error-budgets.ts';
import { near, withinBudget } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { pad } from '../../problems/rearrange-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { expectedFor, isRight } from '../shared/expected-results.ts';

type Window = readonly [left: number, right: number];

/** The windows of PyTorch's test_varlen_vs_sdpa. */
const windows: readonly Window[] = [
  [-1, -1],
  [-1, 0],
  [4, 0],
  [-1, 4],
  [0, 0],
  [1, 0],
  [0, 1],
  [0, -1],
  [4, 4],
  [8, 2],
  [1025, 1025],
];

const quickLengths = [64, 33, 100, 7];
const fullLengths = [512, 64, 320, 192];

/** Returns the part of a case id that names a window. */
const nameOf = ([left, right]: Window): string => `w${left}_${right}`;

/** Varlen and padded attention, both against float64, and varlen by the rule of PyTorch's test. */
function againstPadded(
  window: Window,
  scale: number | undefined,
  heads: readonly [number, number],
  lengths: 'quick' | 'full',
): RunnableCase[] {
  const name = `${nameOf(window)}/scale-${scale ?? 'default'}/heads-${heads.join('x')}${lengths === 'full' ? '/long' : ''}`;
  const quick = lengths === 'quick' && (heads[1] === 1) === (scale === undefined);
  return defineCase('windows', name, {
    tier: quick ? 'quick' : 'full',
    tags: scale === undefined ? ['browser'] : [],
    async run(gpu, dtype) {
      const qLens = lengths === 'quick' ? quickLengths : fullLengths;
      const packed = packedProblem({
        dtype,
        qLens,
        heads,
        options: { window, ...(scale !== undefined && { scale }) },
      });
      const padded = pad(packed);
      const want = expectedFor(packed, dtype);
      const varlen = await launch(gpu, packed, dtype);
      const dense = padded.unpad(await launch(gpu, padded.problem, dtype));
      const paddedError = maxDifference(dense.out.data, want.out.data);
      const { allowance } = want.budgets.out;
      const rule = { limit: 2 * paddedError + allowance, naiveError: paddedError, allowance };
      return [
        ...withinBudget('varlen', varlen, want),
        ...withinBudget('padded', dense, want),
        near('varlen against padded: out', varlen.out, want.out, rule),
      ];
    },
  });
}

/** Every window with unequal query and key lengths, alone and with causal. */
function crossLengths(lq: number, lk: number, align: 'start' | 'end'): RunnableCase[] {
  return defineCase('windows', `cross-${lq}x${lk}/align-${align}`, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const checks = [];
      for (const causal of [false, true]) {
        for (const window of windows) {
          const problem = denseProblem({
            dtype,
            lq,
            lk,
            heads: [2, 1],
            options: { window, causal, align },
          });
          checks.push(
            ...isRight(
              `${nameOf(window)} causal=${causal}`,
              await launch(gpu, problem, dtype),
              problem,
              dtype,
            ),
          );
        }
      }
      return checks;
    },
  });
}

/** Limits as large as an integer can be are no limits. */
const huge = defineCase('windows', 'huge-bounds', {
  async run(gpu, dtype) {
    const checks = [];
    for (const bound of [2 ** 30, 2 ** 31 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      for (const window of [
        [bound, 0],
        [0, bound],
        [bound, bound],
      ] as const) {
        const problem = denseProblem({ dtype, lq: 33, lk: 40, heads: [2, 1], options: { window } });
        checks.push(...isRight(nameOf(window), await launch(gpu, problem, dtype), problem, dtype));
      }
    }
    return checks;
  },
});

const heads: readonly (readonly [number, number])[] = [
  [4, 4],
  [4, 1],
];

export const windowCases: readonly RunnableCase[] = [
  ...huge,
  ...windows.flatMap((window) =>
    [undefined, 0.1].flatMap((scale) =>
      heads.flatMap((pair) => againstPadded(window, scale, pair, 'quick')),
    ),
  ),
  ...windows.flatMap((window) => againstPadded(window, undefined, [4, 1], 'full')),
  ...(
    [
      [33, 97],
      [97, 33],
      [1, 65],
    ] as const
  ).flatMap(([lq, lk]) =>
    (['start', 'end'] as const).flatMap((align) => crossLengths(lq, lk, align)),
  ),
];
