import { pagedProblem, type PagedSpec } from '../../problems/build-problem.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { movedOn, poisonUnused } from '../../problems/rearrange-problem.ts';
import { type Case, defineCase } from '../case.ts';
import { areRight } from './expect.ts';
import { base, gradientCase } from './problem-cases.ts';

const group = 'backward-pages';

const pools: Readonly<Record<string, PagedSpec['pages']>> = {
  permuted: 'permuted',
  // A page that several entries name gets the sum of its owners.
  shared: 'shared',
};

const bySize = ([1, 7, 16] as const).flatMap((pageSize) =>
  Object.entries(pools).flatMap(([name, pages]) =>
    [false, true].flatMap((gpuLengths) =>
      gradientCase(
        group,
        `${name}/page-size-${pageSize}${gpuLengths ? '/gpu-lengths' : ''}`,
        (dtype) =>
          pagedProblem({
            ...base,
            dtype,
            qLens: [20, 3, 0, 5],
            used: [40, 19, 9, 0],
            pageSize,
            ...(pages && { pages }),
            options: { causal: name === 'permuted' },
          }),
        {
          launch: { gpuLengths },
          f16Tier: 'full',
          tags: name === 'shared' && pageSize === 7 && gpuLengths ? ['browser'] : [],
        },
      ),
    ),
  ),
);

/** One sequence that names a page twice. */
const twice = defineCase(group, 'shared/twice-in-one-sequence', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const built = pagedProblem({ ...base, dtype, qLens: [20, 3], used: [40, 19], pageSize: 16 });
    const blockTable = Int32Array.from(built.blockTable!);
    blockTable[1] = blockTable[0]!;
    const problem = poisonUnused({ ...built, blockTable }, NaN);
    const by = resultGradients(problem, dtype);
    return areRight('twice', await launchBackward(gpu, problem, by, dtype), problem, by, dtype);
  },
});

/** Query rows before the first sequence and after the last have gradient 0. */
const rowsOfNobody = gradientCase(
  group,
  'rows-of-nobody/gpu-lengths',
  (dtype) =>
    movedOn(
      pagedProblem({
        ...base,
        dtype,
        qLens: [20, 3, 0, 5],
        used: [40, 19, 9, 0],
        pageSize: 7,
        spareRows: 50,
        options: { causal: true },
      }),
      [37, 0],
    ),
  { launch: { gpuLengths: true }, f16Tier: 'full' },
);

export const pageCases: readonly Case[] = [...bySize, ...twice, ...rowsOfNobody];
