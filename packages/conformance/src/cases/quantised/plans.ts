import { kernelCount } from '@heed/core/kernel';
import { planAttention } from '@heed/kernels-wgsl';
import { holds, sameRun } from '../../budget/output-checks.ts';
import { collect, launch, pageFormat, upload } from '../../problems/launch-problem.ts';
import { Scope } from '../../problems/case-tensors.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';
import { formats, inPages, rowKinds } from './problem-cases.ts';

/** A plan for pages of a format: the bits of the plain call, nothing compiled after its warm-up, no format to repeat. */
export const planCases: readonly Case[] = formats.flatMap((format) =>
  defineCase('quantised-plans', format, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const { numSplits, qLens } = rowKinds.decode;
      const spec = { dtype, qLens, used: [40, 17, 33, 1, 70], pageSize: 16 };
      const problem = inPages(spec, format);
      const want = await launch(gpu, problem, dtype, { numSplits });
      const scope = new Scope(gpu);
      try {
        const { format: _, headDim: __, headDimV: ___, ...tensors } = upload(scope, problem, dtype);
        const shapes = { q: tensors.q.shape, k: tensors.k.shape, v: tensors.v.shape };
        const kind = { layout: 'paged', dtype, numSplits, ...pageFormat(problem) } as const;
        const plan = scope.own(planAttention(gpu, { ...kind, ...shapes }));
        await plan.warmup();
        const warm = kernelCount(gpu);
        const got = await collect(scope, plan.run(tensors));
        const compiled = kernelCount(gpu) - warm;
        return [
          holds('kernels', compiled === 0, `a run after warmup compiled ${compiled}`),
          ...sameRun('plan.run', got, want),
          ...isRight('pages', want, problem, dtype),
        ];
      } finally {
        scope.dispose();
      }
    },
  }),
);
