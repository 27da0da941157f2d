import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import type { Placement } from '../../problems/case-tensors.ts';
import type { Case, Tier } from '../case.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

const placements: readonly Placement[] = ['swapped', 'padded-rows', 'odd-rows', 'offset', 'middle'];

const problems: Readonly<Record<string, Build>> = {
  dense: (dtype) =>
    denseProblem({ ...base, dtype, batch: 2, lq: 37, lk: 70, options: { causal: true } }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [33, 1, 5], kLens: [40, 9, 70], spareRows: [2, 2] }),
  paged: (dtype) => pagedProblem({ ...base, dtype, qLens: [1, 5], used: [70, 33], pageSize: 16 }),
};

// Scalar loads are kernels of their own.
function tierOf(layout: string, placement: Placement): Tier {
  if (placement === 'offset') return 'full';
  return placement !== 'odd-rows' || layout === 'dense' ? 'quick' : 'full';
}

/** q, k, v, dOut and dLse in any placement. */
export const strideCases: readonly Case[] = Object.entries(problems).flatMap(([layout, build]) =>
  placements
    .filter((placement) => layout === 'dense' || placement !== 'swapped')
    .flatMap((placement) =>
      gradientCase('backward-strides', `${layout}/${placement}`, build, {
        launch: { placement },
        lse: true,
        tier: tierOf(layout, placement),
        f16Tier: placement === 'swapped' ? 'quick' : 'full',
        tags: placement === 'swapped' ? ['browser'] : [],
      }),
    ),
);
