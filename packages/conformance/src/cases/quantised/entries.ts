import { varlenAttention } from '@heed/kernels-wgsl';
import { sameRun } from '../../budget/output-checks.ts';
import {
  attentionOptions,
  collect,
  launch,
  type LaunchOptions,
  viewOf,
} from '../../problems/launch-problem.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';
import { formats, inPages, rowKinds } from './problem-cases.ts';

const lengths = { used: [70, 33, 16, 0, 40], pageSize: 16 } as const;

/** A PagedKvView gives the bits of the same pages handed over as k, v, blockTable, seqUsedK, format and head dims. */
const views = formats.flatMap((format) =>
  defineCase('quantised-entries', `${format}/view`, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const { numSplits, qLens } = rowKinds.decode;
      const problem = inPages({ dtype, ...lengths, qLens }, format);
      const want = await launch(gpu, problem, dtype, { numSplits });
      const scope = new Scope(gpu);
      try {
        const q = uploadArray(scope, problem.q, dtype);
        const { cuSeqlensQ = new Int32Array() } = problem;
        const options = { ...attentionOptions(scope, problem, { numSplits }), cuSeqlensQ };
        const result = varlenAttention(q, viewOf(scope, problem, dtype), options);
        const got = await collect(scope, result);
        return [...sameRun('view', got, want), ...isRight('pages', want, problem, dtype)];
      } finally {
        scope.dispose();
      }
    },
  }),
);

const placements: readonly LaunchOptions[] = [
  { placement: 'odd-rows' },
  { placement: 'offset' },
  { placement: 'middle' },
];

/** Pools and queries that are views of larger tensors: the same bits. */
const strided = formats.flatMap((format) =>
  defineCase('quantised-entries', `${format}/strides`, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const numSplits = 2;
      const problem = inPages({ dtype, dim: 16, ...lengths, qLens: [1, 2, 1, 1, 3] }, format);
      const want = await launch(gpu, problem, dtype, { numSplits });
      const checks = isRight('contiguous', want, problem, dtype);
      for (const options of placements) {
        const got = await launch(gpu, problem, dtype, { numSplits, ...options });
        checks.push(...sameRun(options.placement!, got, want));
      }
      return checks;
    },
  }),
);

export const entryCases: readonly Case[] = [...views, ...strided];
