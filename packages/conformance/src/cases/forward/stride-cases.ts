import { attention } from '@heed/kernels-wgsl';
import { sameBits, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, normal, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { download, type Placement, Scope, uploadArray } from '../../problems/case-tensors.ts';
import { launch } from '../../problems/launch-problem.ts';
import { permuted, sliceAxis } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

const placements: readonly Placement[] = ['swapped', 'padded-rows', 'odd-rows', 'offset', 'middle'];

const problems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  dense: (dtype) => denseProblem({ dtype, batch: 2, lq: 37, lk: 70, options: { causal: true } }),
  packed: (dtype) =>
    packedProblem({ dtype, qLens: [33, 1, 5], kLens: [40, 9, 70], options: { causal: true } }),
  paged: (dtype) => pagedProblem({ dtype, qLens: [1, 5], used: [70, 33], pageSize: 16 }),
};

/** Scalar loads compile another pipeline per layout and storage type. */
function tiersOf(
  layout: string,
  placement: Placement,
): { tier: Tier; f16Tier: Tier; bf16Tier: Tier } {
  const vector = placement === 'swapped' || placement === 'padded-rows' || placement === 'middle';
  return {
    tier: vector || layout !== 'packed' ? 'quick' : 'full',
    f16Tier: vector || layout === 'packed' ? 'quick' : 'full',
    bf16Tier:
      placement === { dense: 'swapped', packed: 'odd-rows', paged: 'middle' }[layout]
        ? 'quick'
        : 'full',
  };
}

/** Any memory layout of q, k and v gives the bits of contiguous memory, with vector loads and with scalar loads. */
const placed = Object.entries(problems).flatMap(([layout, build]) =>
  placements
    .filter((placement) => layout === 'dense' || placement !== 'swapped')
    .flatMap((placement) =>
      defineCase('strides', `${layout}/${placement}`, {
        ...tiersOf(layout, placement),
        tags: placement === 'swapped' ? ['browser'] : [],
        async run(gpu, dtype) {
          const problem = build(dtype);
          const checks = [];
          for (const numSplits of [1, 2]) {
            const want = await launch(gpu, problem, dtype, { numSplits });
            const got = await launch(gpu, problem, dtype, { numSplits, placement });
            checks.push(
              ...sameRun(`numSplits=${numSplits}`, got, want),
              ...isRight('strided', got, problem, dtype),
            );
          }
          return checks;
        },
      }),
    ),
);

/** q, k and v as three slices of one [B, L, 3, H, D] projection, as frameworks produce them. */
const fused = defineCase('strides', 'dense/fused-qkv', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const [b, l, h, d] = [2, 40, 4, 64];
    const projection = normal([b, l, 3, h, d], random(1), dtype);
    const part = (n: number): ReferenceProblem['q'] => {
      const { data } = sliceAxis(projection, 2, n, n + 1);
      return permuted({ shape: [b, l, h, d], data }, [0, 2, 1, 3]);
    };
    const problem: ReferenceProblem = {
      q: part(0),
      k: part(1),
      v: part(2),
      options: { causal: true },
    };
    const want = await launch(gpu, problem, dtype, { numSplits: 1 });
    const scope = new Scope(gpu);
    try {
      const qkv = uploadArray(scope, projection, dtype);
      const view = (n: number) =>
        qkv
          .slice(2, n, n + 1)
          .reshape([b, l, h, d])
          .permute([0, 2, 1, 3]);
      const { out } = attention(view(0), view(1), view(2), { causal: true, numSplits: 1 });
      scope.own(out);
      return [
        sameBits('fused', await download(out), want.out),
        ...isRight('separate', want, problem, dtype),
      ];
    } finally {
      scope.dispose();
    }
  },
});

/** A stride of 0 along the batch of a wrapped buffer: every entry reads the same rows. */
const broadcast = defineCase('strides', 'dense/stride-0-batch', {
  async run(gpu, dtype) {
    const problem = denseProblem({ dtype, batch: 3, kvBatch: 1, lq: 9, lk: 40 });
    const want = await launch(gpu, problem, dtype, { numSplits: 1 });
    const scope = new Scope(gpu);
    try {
      const q = uploadArray(scope, problem.q, dtype);
      const spread = (x: ReferenceProblem['k']) => {
        const t = uploadArray(scope, x, dtype);
        const [, h = 0, l = 0, d = 0] = x.shape;
        return gpu.wrap(t.buffer, {
          shape: [3, h, l, d],
          dtype,
          strides: [0, l * d, d, 1],
          byteOffset: t.byteOffset,
        });
      };
      const { out } = attention(q, spread(problem.k), spread(problem.v), { numSplits: 1 });
      scope.own(out);
      return [
        sameBits('stride 0', await download(out), want.out),
        ...isRight('batch 1', want, problem, dtype),
      ];
    } finally {
      scope.dispose();
    }
  },
});

export const strideCases: readonly RunnableCase[] = [...placed, ...fused, ...broadcast];
