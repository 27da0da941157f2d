import type { Gpu, Tensor } from '@heed/core';
import { varlenAttention, varlenAttentionVjp, type VarlenLayout } from '@heed/kernels-wgsl';
import { largest } from '../../budget/error-budgets.ts';
import { type Check, near, sameBits } from '../../budget/output-checks.ts';
import { download, place, Scope } from '../../problems/case-tensors.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { attentionOptions, collect, lengthsOf, viewOf } from '../../problems/launch-problem.ts';
import { withLists } from '../../problems/selected-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import { type FloatDType, toStorage, ulp } from '../../reference/number-types.ts';
import type { Gradients } from '../../reference/reference-gradients.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { sharedKvDims, sharedKvProblems } from '../shared/shared-kv-problems.ts';
import { areRight, sameGradients } from './gradient-case.ts';

/** Gradients with respect to k and to v stay apart: through the scores, and through the values. */
const backward = Object.entries(sharedKvProblems).flatMap(([layout, build]) =>
  (
    [
      [24, 16],
      [320, 257],
    ] as const
  ).flatMap((dims) =>
    defineCase('backward-shared-kv', dims[0] === 24 ? layout : `${layout}/dims-${dims.join('x')}`, {
      tier: layout === 'dense' && dims[0] === 24 ? 'quick' : 'full',
      f16Tier: 'full',
      async run(gpu, dtype) {
        const problem = build(dtype, dims, 20);
        const by = resultGradients(problem, dtype, { lse: true });
        const want = await launchBackward(gpu, problem, by, dtype, { sharedKv: 'copy' });
        const got = await launchBackward(gpu, problem, by, dtype, { sharedKv: 'slice' });
        return [
          ...sameGradients('slice', got, want),
          ...areRight('slice', got, problem, by, dtype),
        ];
      },
    }),
  ),
);

/** A view with `sharedKv` is one memory: its dk is dk with dv added to the first columns. */
const views = sharedKvDims.flatMap(([dim, dimV]) =>
  defineCase('backward-shared-kv', `view/dims-${dim}x${dimV}`, {
    tier: dim === 72 ? 'quick' : 'full',
    f16Tier: 'full',
    tags: dim === 72 ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = sharedKvProblems['paged']!(dtype, [dim, dimV], 20);
      return throughView(gpu, problem, dtype, dtype === 'f32');
    },
  }),
);

/** The same over lists of selected keys. Key 3 is in every list: its sums have chunks, which are rounded apart. */
const selectedView = (
  [
    [72, 64],
    [576, 512],
  ] as const
).flatMap((dims) =>
  defineCase(
    'backward-shared-kv',
    dims[0] === 72 ? 'view/selected-keys' : `view/selected-keys/dims-${dims.join('x')}`,
    {
      tier: dims[0] === 72 ? 'quick' : 'full',
      f16Tier: 'full',
      run(gpu, dtype) {
        const problem = sharedKvProblems['paged']!(dtype, dims, dims[0] === 72 ? 280 : 20);
        const listed = withLists(problem, { heads: 1, entries: 3 }, (list, keys, source) => {
          list[0] = 3;
          list[1] = source.below(keys);
        });
        return throughView(gpu, listed, dtype, false);
      },
    },
  ),
);

/** Runs a paged problem over a view of one memory, and with copies of its values. */
async function throughView(
  gpu: Gpu,
  problem: ReferenceProblem,
  dtype: FloatDType,
  isExact: boolean,
): Promise<Check[]> {
  const by = resultGradients(problem, dtype, { lse: true });
  const apart = await launchBackward(gpu, problem, by, dtype, { sharedKv: 'copy' });
  const scope = new Scope(gpu);
  try {
    const view = viewOf(scope, problem, dtype, true);
    const { cuSeqlensQ } = lengthsOf(scope, problem, {}) as VarlenLayout;
    const options = { ...attentionOptions(scope, problem, {}), cuSeqlensQ };
    const q = place(scope, problem.q, dtype, 'contiguous');
    const plain = varlenAttention(q, view, options);
    const forwardChecks = isRight('view', await collect(scope, plain), problem, dtype);
    const vjp = varlenAttentionVjp(q, view, { ...options, numSplits: 1 });
    for (const tensor of [vjp.out, vjp.lse]) scope.own(tensor);
    const dOut = place(scope, by.dOut, dtype, 'contiguous');
    const dLse = place(scope, by.dLse!, 'f32', 'contiguous');
    const { dq, dk, dv } = vjp.backward(dOut, dLse);
    const read = (tensor: Tensor, name: string) => download(scope.own(tensor), name);
    const got = {
      dq: await read(dq, 'dq'),
      dk: await read(dk, 'dk'),
      dv: await read(dv, 'dv'),
    };
    return [...forwardChecks, ...areOneMemory(got, apart, dtype, isExact)];
  } finally {
    scope.dispose();
  }
}

/** Checks that dk is the sum of both gradients. In f32 it has the bits of their sum; other types round it once. */
function areOneMemory(
  got: Gradients,
  apart: Gradients,
  dtype: FloatDType,
  isExact: boolean,
): Check[] {
  const [dim, dimV] = [apart.dk, apart.dv].map(({ shape }) => shape.at(-1)!) as [number, number];
  const sum = generate(apart.dk.shape, (i) => {
    const d = i % dim;
    const value = d < dimV ? apart.dv.data[Math.floor(i / dim) * dimV + d]! : 0;
    return toStorage(apart.dk.data[i]! + value, dtype);
  });
  const limit = 2 * ulp(largest(sum), dtype);
  const budget = { limit, naiveError: 0, allowance: limit };
  return [
    sameBits('dq', got.dq, apart.dq),
    sameBits('dv', got.dv, apart.dv),
    isExact ? sameBits('dk', got.dk, sum) : near('dk', got.dk, sum, budget),
  ];
}

/** Cases of gradients with respect to values that are the first columns of their keys. */
export const backwardSharedKvCases: readonly RunnableCase[] = [
  ...backward,
  ...views,
  ...selectedView,
];
