import { kernelCount } from '@heed/core/kernel';
import { flexAttention, type FlexOptions, planFlexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { planAttention, varlenAttention } from '@heed/kernels-wgsl';
import { holds, sameRun } from '../../budget/output-checks.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { normalTable, uploadTable } from '../../problems/host-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import {
  attentionOptions,
  collect,
  launch,
  type LaunchOptions,
  pageFormat,
  upload,
  viewOf,
} from '../../problems/launch-problem.ts';
import { random } from '../../reference/pseudo-random.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRightInPages } from '../shared/expected-results.ts';
import { formats, inPages, rowKinds } from './quantised-case.ts';

const lengths = { used: [70, 33, 16, 0, 40], pageSize: 16 } as const;

/** A PagedKvView gives the bits of the same pages passed as k, v, blockTable, seqUsedK, format and head dims. */
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
        return [
          ...sameRun('view', got, want),
          ...isRightInPages(gpu, 'pages', want, problem, dtype),
        ];
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

/** Pools and queries that are views of larger tensors give the same bits. */
const strided = formats.flatMap((format) =>
  defineCase('quantised-entries', `${format}/strides`, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const numSplits = 2;
      const problem = inPages({ dtype, dim: 16, ...lengths, qLens: [1, 2, 1, 1, 3] }, format);
      const want = await launch(gpu, problem, dtype, { numSplits });
      const checks = isRightInPages(gpu, 'contiguous', want, problem, dtype);
      for (const options of placements) {
        const got = await launch(gpu, problem, dtype, { numSplits, ...options });
        checks.push(...sameRun(options.placement!, got, want));
      }
      return checks;
    },
  }),
);

const entryCases: readonly RunnableCase[] = [...views, ...strided];

/** A plan for pages of a format gives the bits of the plain call, compiles nothing after its warm-up, and knows the format. */
const planCases: readonly RunnableCase[] = formats.flatMap((format) =>
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
          ...isRightInPages(gpu, 'pages', want, problem, dtype),
        ];
      } finally {
        scope.dispose();
      }
    },
  }),
);

const bias = normalTable([64], random(97));

const pair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]!,
    maskMod: causal,
    captures: { bias: given(bias) },
  });

type Mods = Pick<FlexOptions, 'scoreMod' | 'maskMod' | 'captures'>;

const kernels = [
  ['int8', 'decode'],
  ['int4', 'prefill'],
] as const;

/** flexAttention over quantised pages, passed as tensors, as a view and to a plan. */
const modCases: readonly RunnableCase[] = kernels.flatMap(([format, rows]) =>
  defineCase('quantised-mods', `${format}/${rows}`, {
    f16Tier: 'full',
    tags: rows === 'decode' ? ['browser'] : [],
    async run(gpu, dtype) {
      const { numSplits, qLens } = rowKinds[rows];
      const spec = { dtype, dim: 16, qLens, used: [70, 33, 66, 0, 9], pageSize: 7 };
      const problem = withMods(inPages(spec, format), pair);
      const want = await flexLaunch(gpu, problem, dtype, { numSplits, gpuLengths: true });
      const scope = new Scope(gpu);
      try {
        const q = uploadArray(scope, problem.q, dtype);
        const { cuSeqlensQ = new Int32Array() } = problem;
        const given = pair((host) => uploadTable(scope, host)) as Mods;
        const view = viewOf(scope, problem, dtype);
        const options = { ...given, cuSeqlensQ, numSplits, returnLse: true };
        const viewed = await collect(scope, flexAttention(q, view, options));
        const { k, v, blockTable, seqUsedK } = view;
        const shapes = { q: q.shape, k: k.shape, v: v.shape };
        const kind = { layout: 'paged', dtype, numSplits, ...pageFormat(problem) } as const;
        const plan = scope.own(planFlexAttention(gpu, { ...kind, ...shapes, ...given }));
        const runOptions = { cuSeqlensQ, blockTable, seqUsedK, returnLse: true };
        const planned = await collect(scope, plan.run({ q, k, v, ...runOptions }));
        return [
          ...isRightInPages(gpu, 'tensors', want, problem, dtype),
          ...sameRun('view', viewed, want),
          ...sameRun('plan', planned, want),
        ];
      } finally {
        scope.dispose();
      }
    },
  }),
);

/** Cases of ways to call attention over quantised pages. */
export const quantisedEntryCases: readonly RunnableCase[] = [
  ...entryCases,
  ...planCases,
  ...modCases,
];
