import type { Tensor } from '@heed/core';
import { causal } from '@heed/flex/masks';
import { attentionVjp } from '@heed/kernels-wgsl';
import { denseProblem, pagedProblem } from '../../problems/build-problem.ts';
import { Scope } from '../../problems/case-tensors.ts';
import { backward, launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { mods, withMods } from '../../problems/launch-flex.ts';
import { upload } from '../../problems/launch-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { base, type Build, gradientCase, layoutProblems, sameGradients } from './gradient-case.ts';

const withTables: ReferenceOptions = {
  causal: true,
  softcap: 5,
  sinks: generate([4], (h) => [-Infinity, -3, 0.5, 6][h]!),
  alibiSlopes: generate([4], (h) => 2 ** (-2 * (h + 1))),
  dropout: { rate: 0.3, seed: 2 ** 53 - 1 },
};

const { dense, packed, paged } = layoutProblems({ dropout: { rate: 0.5, seed: 2 ** 40 + 1 } });

const problems: Readonly<Record<string, Build>> = {
  dense,
  packed,
  paged,
  'sinks-and-slopes': layoutProblems(withTables).dense,
  'almost-all': (dtype) =>
    denseProblem({
      ...base,
      dtype,
      lq: 40,
      lk: 70,
      options: { dropout: { rate: 0.999, seed: 5 } },
    }),
  'shared-pages': (dtype) =>
    pagedProblem({
      ...base,
      dtype,
      qLens: [20, 3],
      used: [40, 19],
      pageSize: 7,
      pages: 'shared',
      options: { dropout: { rate: 0.1, seed: 7 } },
    }),
  'with-mods': (dtype) =>
    withMods(
      denseProblem({
        ...base,
        dtype,
        lq: 37,
        lk: 50,
        options: { dropout: { rate: 0.5, seed: 7 } },
      }),
      () =>
        mods({
          scoreMod: (s, _b, _h, q, kv) => (kv === q - 1 ? -Infinity : s + 0.1 * s * s),
          maskMod: causal,
        }),
    ),
};

const quick = ['dense', 'sinks-and-slopes'];

const againstFloat64 = Object.entries(problems).flatMap(([name, build]) =>
  gradientCase('backward-dropout', name, build, {
    lse: true,
    tier: quick.includes(name) ? 'quick' : 'full',
    f16Tier: name === 'dense' ? 'quick' : 'full',
    tags: name === 'dense' || name === 'sinks-and-slopes' ? ['browser'] : [],
  }),
);

/** The states of several splits are merged before backward reads them. */
const inSplits = gradientCase('backward-dropout', 'forward-in-splits', dense, {
  launch: { numSplits: 3 },
  f16Tier: 'full',
});

/** Backward reads a copy of the seed, so the tensor may change as soon as the forward call has returned. */
const seedCopy = defineCase('backward-dropout', 'seed-overwritten-before-backward', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = problems['sinks-and-slopes']!(dtype);
    const by = resultGradients(problem, dtype, { lse: true });
    const want = await launchBackward(gpu, problem, by, dtype, { numSplits: 1 });
    const scope = new Scope(gpu);
    try {
      const options = { numSplits: 1, gpuSeed: true };
      const { q, k, v, ...rest } = upload(scope, problem, dtype, options);
      const result = attentionVjp(q, k, v, rest);
      scope.own(result.out);
      scope.own(result.lse);
      const seed = rest.dropout!.seed as Tensor;
      gpu.device.queue.writeBuffer(seed.buffer, seed.byteOffset, new Uint32Array(2));
      const got = await backward(scope, result, by, dtype);
      return sameGradients('seed on the GPU', got, want);
    } finally {
      scope.dispose();
    }
  },
});

/** Gradients with dropout. */
export const backwardDropoutCases: readonly RunnableCase[] = [
  ...againstFloat64,
  ...inSplits,
  ...seedCopy,
];
