import { pagedProblem } from '../problems/build-problem.ts';
import { launch } from '../problems/launch-problem.ts';
import { gather, poisonUnused } from '../problems/rearrange-problem.ts';
import { type Case, defineCase } from './case.ts';
import { isRight, sameSequences } from './expect.ts';
import { usedLengths } from './lists.ts';

const pageSizes = [1, 16, 32, 64, 128, 256] as const;
const odd = [3, 33] as const;

interface Spec {
  readonly pageSize: number;
  readonly pages: 'permuted' | 'shared';
  readonly used: readonly number[];
  readonly tier: 'quick' | 'full';
}

/** Paged memory gives the bits of the same rows gathered into a packed tensor: decode and prefill. */
function equalsGathered({ pageSize, pages, used, tier }: Spec): Case[] {
  return defineCase('block-tables', `page-${pageSize}/${pages}/lens-${used.join('-')}`, {
    tier,
    tags: pageSize === 16 || pageSize === 64 ? ['browser'] : [],
    async run(gpu, dtype) {
      const checks = [];
      for (const lq of [1, 17]) {
        const spec = {
          dtype,
          pageSize,
          pages,
          used,
          qLens: used.map(() => lq),
          options: { causal: lq > 1 },
        };
        const paged = poisonUnused(pagedProblem(spec), NaN);
        const gathered = gather(paged);
        for (const numSplits of [1, 3]) {
          const label = `lq=${lq} numSplits=${numSplits}`;
          const got = await launch(gpu, paged, dtype, { numSplits });
          const want = await launch(gpu, gathered, dtype, { numSplits });
          checks.push(...sameSequences(`${label} = gathered`, [paged, got], [gathered, want]));
          if (numSplits === 1) checks.push(...isRight(label, got, paged, dtype));
        }
        checks.push(...isRight(`lq=${lq} auto`, await launch(gpu, paged, dtype), paged, dtype));
      }
      return checks;
    },
  });
}

const ragged = [127, 63, 33, 17];

export const blockTableCases: readonly Case[] = [
  ...pageSizes.flatMap((pageSize) =>
    (['permuted', 'shared'] as const).flatMap((pages) =>
      equalsGathered({ pageSize, pages, used: ragged, tier: 'quick' }),
    ),
  ),
  ...odd.flatMap((pageSize) =>
    equalsGathered({ pageSize, pages: 'permuted', used: [100, 0, 66, 1], tier: 'quick' }),
  ),
  ...pageSizes.flatMap((pageSize) =>
    usedLengths
      .slice(0, 4)
      .flatMap((used) => equalsGathered({ pageSize, pages: 'permuted', used, tier: 'full' })),
  ),
];
