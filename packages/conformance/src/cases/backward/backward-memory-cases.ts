import {
  denseProblem,
  packedProblem,
  pagedProblem,
  type PagedSpec,
} from '../../problems/build-problem.ts';
import type { Placement } from '../../problems/case-tensors.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { movedOn, poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { areRight, base, type Build, gradientCase } from './gradient-case.ts';

const pageGroup = 'backward-pages';

const pools: Readonly<Record<string, PagedSpec['pages']>> = {
  permuted: 'permuted',
  // The gradient of a page with several owners is their sum.
  shared: 'shared',
};

const bySize = ([1, 7, 16] as const).flatMap((pageSize) =>
  Object.entries(pools).flatMap(([name, pages]) =>
    [false, true].flatMap((gpuLengths) =>
      gradientCase(
        pageGroup,
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

/** One sequence has the same page twice in its block table. */
const twice = defineCase(pageGroup, 'shared/twice-in-one-sequence', {
  f16Tier: 'full',
  bf16Tier: 'quick',
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
const ownerlessRows = gradientCase(
  pageGroup,
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

const pageCases: readonly RunnableCase[] = [...bySize, ...twice, ...ownerlessRows];

const placements: readonly Placement[] = ['swapped', 'padded-rows', 'odd-rows', 'offset', 'middle'];

const stridedProblems: Readonly<Record<string, Build>> = {
  dense: (dtype) =>
    denseProblem({ ...base, dtype, batch: 2, lq: 37, lk: 70, options: { causal: true } }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [33, 1, 5], kLens: [40, 9, 70], spareRows: [2, 2] }),
  paged: (dtype) => pagedProblem({ ...base, dtype, qLens: [1, 5], used: [70, 33], pageSize: 16 }),
};

// Scalar loads compile other kernels.
function tierOf(layout: string, placement: Placement): Tier {
  if (placement === 'offset') return 'full';
  return placement !== 'odd-rows' || layout === 'dense' ? 'quick' : 'full';
}

/** q, k, v, dOut and dLse in any memory layout. */
const strideCases: readonly RunnableCase[] = Object.entries(stridedProblems).flatMap(
  ([layout, build]) =>
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

const options: ReferenceOptions = { causal: true };

/** Problems with keys and values in a 16-bit type. */
const halfProblems = (dtype: FloatDType): Readonly<Record<string, ReferenceProblem>> => {
  const half = { ...base, dtype, options } as const;
  return {
    dense: denseProblem({ ...half, batch: 2, lq: 37, lk: 70 }),
    'kv-batch-1': denseProblem({ ...half, batch: 3, kvBatch: 1, lq: 20, lk: 40 }),
    packed: packedProblem({ ...half, qLens: [33, 0, 5], kLens: [40, 9, 70], spareRows: [2, 2] }),
    'paged-shared': pagedProblem({
      ...half,
      qLens: [20, 3],
      used: [40, 19],
      pageSize: 7,
      pages: 'shared',
    }),
  };
};

/** The problems of the quick tier: each storage type compiles kernels of its own. */
const quickStorage: Readonly<Record<'f16' | 'bf16', readonly string[]>> = {
  f16: ['dense', 'paged-shared'],
  bf16: ['paged-shared'],
};

/** f32 queries over keys and values of 16 bits: dq is f32, dk and dv have their type, each with the budget of its type. */
const storageCases: readonly RunnableCase[] = (['f16', 'bf16'] as const).flatMap((kvDtype) =>
  Object.entries(halfProblems(kvDtype)).flatMap(([name, problem]) =>
    gradientCase('backward-storage', `q-f32-kv-${kvDtype}/${name}`, () => problem, {
      dtypes: ['f32'],
      launch: { kvDtype },
      lse: true,
      tier: quickStorage[kvDtype].includes(name) ? 'quick' : 'full',
      tags: name === 'dense' ? ['browser'] : [],
    }),
  ),
);

/** Gradients over pages, strides and storage types. */
export const backwardMemoryCases: readonly RunnableCase[] = [
  ...pageCases,
  ...strideCases,
  ...storageCases,
];
