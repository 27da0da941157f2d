import { denseProblem, packedProblem } from '../problems/build-problem.ts';
import { launch } from '../problems/launch-problem.ts';
import { type Case, defineCase, type Tier } from './case.ts';
import { isRight } from './expect.ts';

const lengths = [1, 31, 32, 33, 113, 203, 239, 799, 1023] as const;

/** Pairs of FlashAttention's own tests: query length, key length. */
const pairs = [
  [113, 203],
  [239, 1],
  [799, 3],
  [3, 799],
  [1, 239],
  [127, 512],
  [127, 513],
  [1023, 1024],
] as const;

function attends(name: string, lq: number, lk: number, tier: Tier): Case[] {
  return defineCase('lengths', name, {
    tier,
    tags: lq * lk < 20_000 ? ['browser'] : [],
    async run(gpu, dtype) {
      const checks = [];
      for (const causal of [true, false]) {
        const problem = denseProblem({
          dtype,
          lq,
          lk,
          heads: lq * lk > 100_000 ? [1, 1] : [2, 1],
          options: { causal },
        });
        checks.push(
          ...isRight(`causal=${causal}`, await launch(gpu, problem, dtype), problem, dtype),
        );
      }
      return checks;
    },
  });
}

/** All lengths in one packed batch, so that tiles of different sequences meet in one grid. */
const ragged = defineCase('lengths', 'packed-all', {
  async run(gpu, dtype) {
    const problem = packedProblem({
      dtype,
      qLens: lengths.slice(0, 7),
      heads: [2, 1],
      options: { causal: true },
    });
    return isRight('packed', await launch(gpu, problem, dtype), problem, dtype);
  },
});

export const lengthCases: readonly Case[] = [
  ...lengths.flatMap((n) => attends(`self-${n}`, n, n, 'quick')),
  ...pairs.flatMap(([lq, lk]) =>
    attends(`cross-${lq}x${lk}`, lq, lk, lq * lk > 60_000 ? 'full' : 'quick'),
  ),
  ...ragged,
];
