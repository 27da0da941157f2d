import { causal } from '@heed/flex/masks';
import { attention, attentionVjp, planAttention, varlenAttention } from '@heed/kernels-wgsl';
import { type Check, holds, sameBits, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { download, Scope } from '../../problems/case-tensors.ts';
import { flexLaunch, mods, withMods } from '../../problems/launch-flex.ts';
import {
  collect,
  launch,
  type LaunchOptions,
  upload,
  viewOf,
} from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { keptPairs } from '../../reference/dropped-pairs.ts';
import { extent, filled, generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { visibleKeys } from '../../reference/pair-scores.ts';
import type {
  AttentionState,
  ReferenceOptions,
  ReferenceProblem,
} from '../../reference/reference-problem.ts';
import { headsOf, sequencesOf } from '../../reference/sequences.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

const sinks = generate([4], (h) => [3, -60, -Infinity, 1][h] as number);

/** Both words of these seeds matter. */
const seeds = { small: 1, large: 2 ** 53 - 1, high: 5 * 2 ** 32 } as const;

type Build = (dtype: FloatDType, options: ReferenceOptions) => ReferenceProblem;

const problems: Readonly<Record<string, { build: Build; options: ReferenceOptions }>> = {
  dense: {
    build: (dtype, options) => denseProblem({ dtype, batch: 2, lq: 40, lk: 70, options }),
    options: { dropout: { rate: 0.1, seed: seeds.large } },
  },
  'half-with-sinks': {
    build: (dtype, options) => denseProblem({ dtype, lq: 40, lk: 70, options }),
    options: { sinks, dropout: { rate: 0.5, seed: seeds.small } },
  },
  // Most rows keep no key at all.
  'almost-all': {
    build: (dtype, options) => denseProblem({ dtype, lq: 40, lk: 170, options }),
    options: { dropout: { rate: 0.999, seed: seeds.high } },
  },
  // Positions of the first rows are negative.
  'causal-lq-over-lk': {
    build: (dtype, options) => denseProblem({ dtype, lq: 97, lk: 65, options }),
    options: { causal: true, sinks, dropout: { rate: 0.3, seed: seeds.large } },
  },
  'window-softcap-alibi': {
    build: (dtype, options) => denseProblem({ dtype, lq: 40, lk: 70, options }),
    options: {
      window: [20, 3],
      softcap: 5,
      alibiSlopes: generate([4], (h) => 2 ** -(h + 1)),
      dropout: { rate: 0.5, seed: 77 },
    },
  },
  'one-kv-head': {
    build: (dtype, options) => denseProblem({ dtype, heads: [6, 1], lq: 7, lk: 300, options }),
    options: { dropout: { rate: 0.1, seed: 3 } },
  },
  packed: {
    build: (dtype, options) =>
      packedProblem({
        dtype,
        qLens: [33, 0, 1, 7],
        kLens: [65, 3, 0, 70],
        spareRows: [3, 3],
        options,
      }),
    options: { dropout: { rate: 0.5, seed: seeds.large } },
  },
  paged: {
    build: (dtype, options) =>
      pagedProblem({ dtype, qLens: [1, 5, 1], used: [100, 33, 0], pageSize: 16, options }),
    options: { causal: true, dropout: { rate: 0.5, seed: seeds.small } },
  },
};

/** Whatever the splits, and whether the seed is a number or a tensor. */
const againstFloat64 = Object.entries(problems).flatMap(([name, { build, options }]) =>
  defineCase('dropout', name, {
    f16Tier: name === 'dense' || name === 'paged' ? 'quick' : 'full',
    tags: ['browser'],
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype, options), NaN);
      const checks: Check[] = [];
      for (const numSplits of [1, 3]) {
        const got = await launch(gpu, problem, dtype, { numSplits, returnMax: true });
        checks.push(...isRight(`numSplits=${numSplits}`, got, problem, dtype));
        const bySeed = await launch(gpu, problem, dtype, { numSplits, gpuSeed: true });
        checks.push(...sameRun('seed on the GPU', bySeed, got));
      }
      return checks;
    },
  }),
);

/** Nothing is dropped at rate 0, and lse and max never know. */
const ofPlain = defineCase('dropout', 'rate-0-is-plain', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const { build } = problems['dense']!;
    const plain = build(dtype, { sinks });
    const checks: Check[] = [];
    for (const numSplits of [1, 3]) {
      const run = { numSplits, returnMax: true };
      const want = await launch(gpu, plain, dtype, run);
      const dropped = (rate: number): ReferenceProblem => ({
        ...plain,
        options: { sinks, dropout: { rate, seed: 5 } },
      });
      const [none, half] = [
        await launch(gpu, dropped(0), dtype, run),
        await launch(gpu, dropped(0.5), dtype, run),
      ];
      checks.push(
        ...sameRun('rate 0', none, want),
        sameBits('rate 0.5: lse', half.lse, want.lse),
        sameBits('rate 0.5: max', half.max!, want.max!),
      );
    }
    return checks;
  },
});

/** Queries of 0 give all keys one weight, and one-hot values show each weight: an element is 0 iff its pair is dropped. */
function shown(problem: ReferenceProblem): ReferenceProblem {
  const width = extent(problem.v, problem.v.shape.length - 1);
  const v = filled(problem.v.shape, 0);
  const heads = headsOf(problem);
  for (const { kvLen, v: at } of sequencesOf(problem)) {
    for (let h = 0; h < heads.kv; h++) {
      for (let j = 0; j < Math.min(kvLen, width); j++) v.data[at(h, j) + j] = 1;
    }
  }
  return { ...problem, q: filled(problem.q.shape, 0), v };
}

/** Checks, pair by pair, that out has exactly the keys that the reference keeps. */
function keepsExactly(label: string, got: AttentionState, problem: ReferenceProblem): Check {
  const heads = headsOf(problem);
  let pairs = 0;
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < heads.query; h++) {
      for (let i = 0; i < sequence.qLen; i++) {
        const { position, first, end } = visibleKeys(
          problem.options,
          i,
          sequence.qLen,
          sequence.kvLen,
        );
        const { isKept } = keptPairs(problem.options.dropout, sequence.index, h, position);
        for (let j = first; j < end; j++) {
          if ((got.out.data[sequence.out(h, i) + j] !== 0) !== isKept(j)) {
            const where = `sequence ${sequence.index}, head ${h}, query ${position}, key ${j}`;
            return holds(
              label,
              false,
              `1 of the elements off: ${where} is ${isKept(j) ? 'dropped' : 'kept'}`,
            );
          }
          pairs++;
        }
      }
    }
  }
  return holds(label, pairs > 0, 'no pair was checked');
}

const dropout = { rate: 0.3, seed: 123_456_789_012_345 };

const keptProblems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  dense: (dtype) =>
    denseProblem({ dtype, batch: 2, lq: 70, lk: 61, dimV: 64, options: { dropout } }),
  'grouped-decode': (dtype) =>
    denseProblem({ dtype, heads: [8, 2], lq: 2, lk: 61, dimV: 64, options: { dropout } }),
  'packed-causal': (dtype) =>
    packedProblem({
      dtype,
      qLens: [3, 40],
      kLens: [61, 33],
      dimV: 64,
      options: { dropout, causal: true },
    }),
  paged: (dtype) =>
    pagedProblem({
      dtype,
      qLens: [5, 1],
      used: [61, 40],
      pageSize: 7,
      dimV: 64,
      options: { dropout },
    }),
};

/** The set of kept pairs is the reference's, so it is the same on all paths, tiles, splits and adapters. */
const keptSets = Object.entries(keptProblems).flatMap(([name, build]) =>
  defineCase('dropout', `kept-set/${name}`, {
    f16Tier: 'full',
    tags: ['browser'],
    async run(gpu, dtype) {
      const problem = shown(build(dtype));
      const runs: LaunchOptions[] = [{ numSplits: 1 }, { numSplits: 2 }, { numSplits: 'auto' }];
      const checks: Check[] = [];
      for (const run of runs) {
        const got = await launch(gpu, problem, dtype, run);
        checks.push(keepsExactly(`numSplits=${run.numSplits}`, got, problem));
      }
      return checks;
    },
  }),
);

const flex = defineCase('dropout', 'with-mods', {
  f16Tier: 'full',
  tags: ['browser'],
  async run(gpu, dtype) {
    const options = { sinks, dropout: { rate: 0.5, seed: 9 } };
    const pair = () =>
      mods({
        scoreMod: (score, _b, _h, q, kv) => (kv === q ? -Infinity : score + 0.125 * kv),
        maskMod: causal,
      });
    const problem = withMods(denseProblem({ dtype, lq: 60, lk: 70, options }), pair);
    const checks: Check[] = [];
    for (const launched of [{ numSplits: 1 }, { numSplits: 1, blockSize: 32, gpuSeed: true }]) {
      checks.push(
        ...isRight('flex', await flexLaunch(gpu, problem, dtype, launched), problem, dtype),
      );
    }
    return checks;
  },
});

/** Every way of calling gives the bits of the plain call. */
const entries = defineCase('dropout', 'entries', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const dense = problems['half-with-sinks']!.build(dtype, problems['half-with-sinks']!.options);
    const paged = problems['paged']!.build(dtype, problems['paged']!.options);
    const scope = new Scope(gpu);
    try {
      const given = { numSplits: 3, gpuSeed: true } as const;
      const [want, wantPaged] = [
        await launch(gpu, dense, dtype, given),
        await launch(gpu, paged, dtype, given),
      ];
      const tensors = upload(scope, dense, dtype, given);
      const { q, k, v, ...options } = tensors;
      const shapes = { q: dense.q.shape, k: dense.k.shape, v: dense.v.shape };
      const plan = scope.own(
        planAttention(gpu, { layout: 'dense', dtype, ...shapes, dropout: true, numSplits: 3 }),
      );
      const recording = scope.own(plan.record(tensors));
      recording.replay();
      const vjp = attentionVjp(q, k, v, options);
      const { blockTable: _, seqUsedK: __, ...ofView } = upload(scope, paged, dtype, given);
      const { q: rows, k: ___, v: ____, ...viewOptions } = ofView;
      const view = varlenAttention(rows, viewOf(scope, paged, dtype), viewOptions);
      return [
        ...sameRun('plan', await collect(scope, plan.run(tensors)), want),
        ...sameRun('recording', await collect(scope, recording), want),
        // A call that a gradient follows may take another path.
        ...isRight('vjp', await collect(scope, vjp), dense, dtype),
        ...sameRun('view', await collect(scope, view), wantPaged),
        sameBits(
          'alone',
          await download(scope.own(attention(q, k, v, { ...options, returnLse: false }).out)),
          want.out,
        ),
      ];
    } finally {
      scope.dispose();
    }
  },
});

/** Cases of dropout. */
export const dropoutCases: readonly RunnableCase[] = [
  ...againstFloat64,
  ...ofPlain,
  ...keptSets,
  ...flex,
  ...entries,
];
