import { denseProblem, pagedProblem } from '../problems/build-problem.ts';
import { launch } from '../problems/launch-problem.ts';
import { gather, poisonUnused } from '../problems/rearrange-problem.ts';
import { type Case, defineCase, type Tier } from './case.ts';
import { isRight, sameSequences } from './expect.ts';

const dims = [1, 8, 17, 24, 40, 64, 80, 96, 111, 128, 192, 256] as const;
const unequal = [
  [64, 32],
  [32, 64],
  [17, 40],
  [192, 128],
] as const;

function prefill(name: string, dim: number, dimV: number, tiers: [f32: Tier, f16: Tier]): Case[] {
  return defineCase('head-dims', name, {
    tier: tiers[0],
    f16Tier: tiers[1],
    async run(gpu, dtype) {
      const problem = denseProblem({
        dtype,
        lq: 70,
        lk: 81,
        heads: [2, 1],
        dim,
        dimV,
        options: { causal: true },
      });
      return isRight(
        'prefill',
        await launch(gpu, problem, dtype, { numSplits: 1 }),
        problem,
        dtype,
      );
    },
  });
}

/** The split path and paged memory at other head dims; each costs several pipelines. */
function decode(dim: number, dimV: number): Case[] {
  return defineCase('head-dims', `decode-${dim}${dim === dimV ? '' : `x${dimV}`}`, {
    tier: 'full',
    async run(gpu, dtype) {
      const spec = { dtype, dim, dimV, qLens: [1, 1, 1], used: [100, 33, 1], pageSize: 16 };
      const paged = poisonUnused(pagedProblem(spec), NaN);
      const gathered = gather(paged);
      const got = await launch(gpu, paged, dtype, { numSplits: 3 });
      const want = await launch(gpu, gathered, dtype, { numSplits: 3 });
      return [
        ...sameSequences('gathered', [paged, got], [gathered, want]),
        ...isRight('decode', got, paged, dtype),
      ];
    },
  });
}

// Each dim is a pipeline of its own: the quick tier takes each in one storage type.
const quickF16 = new Set<number>([8, 24, 96, 192]);

export const headDimCases: readonly Case[] = [
  ...dims.flatMap((dim) =>
    prefill(`prefill-${dim}`, dim, dim, quickF16.has(dim) ? ['full', 'quick'] : ['quick', 'full']),
  ),
  ...unequal.flatMap(([dim, dimV]) =>
    prefill(`prefill-${dim}x${dimV}`, dim, dimV, [dim === 17 ? 'quick' : 'full', 'full']),
  ),
  ...dims.flatMap((dim) => decode(dim, dim)),
  ...unequal.flatMap(([dim, dimV]) => decode(dim, dimV)),
];
