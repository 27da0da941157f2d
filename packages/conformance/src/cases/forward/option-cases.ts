import { denseProblem, normal, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { isRight, rightInSplits } from '../shared/expected-results.ts';

const heads = 4;
const batch = 2;

// The slopes of the ALiBi paper, 2^(−8(h + 1)/H), and a steeper set per sequence.
const slopes = generate([heads], (h) => 2 ** ((-8 * (h + 1)) / heads));
const batchSlopes = generate([batch, heads], (i) => (i + 1) / 8);
const sinks = normal([heads], random(11), 'f32', 2);
const extremeSinks = generate([heads], (h) => [60, -60, 0, 10][h] as number);

const someSinks = generate([heads], (h) => [-Infinity, 0, -Infinity, 1][h] as number);

const optionSets: Readonly<Record<string, ReferenceOptions>> = {
  'scale-0.1': { scale: 0.1 },
  'scale-1': { scale: 1 },
  sinks: { sinks },
  'sinks-extreme': { sinks: extremeSinks },
  // A sink of −∞ is no sink.
  'sinks-minus-infinity': { sinks: someSinks },
  'sinks-minus-infinity-empty-rows': { sinks: someSinks, window: [3, 3], align: 'start' },
  'sinks-causal': { sinks, causal: true },
  softcap: { softcap: 5 },
  'softcap-causal': { softcap: 5, causal: true },
  'softcap-saturated': { softcap: 2, scale: 100 },
  'softcap-wide': { softcap: 1e4 },
  alibi: { alibiSlopes: slopes },
  'alibi-causal': { alibiSlopes: slopes, causal: true },
  'alibi-per-batch': { alibiSlopes: batchSlopes },
  'alibi-align-start': { alibiSlopes: slopes, align: 'start' },
  'softcap-alibi-sinks-causal': { softcap: 5, alibiSlopes: batchSlopes, sinks, causal: true },
  'softcap-alibi-sinks-window-scale': {
    softcap: 5,
    alibiSlopes: slopes,
    sinks,
    window: [20, 3],
    scale: 0.3,
  },
};

const optionProblems: Readonly<
  Record<string, (dtype: FloatDType, options: ReferenceOptions) => ReferenceProblem>
> = {
  dense: (dtype, options) => denseProblem({ dtype, batch, lq: 40, lk: 70, options }),
  packed: (dtype, options) => packedProblem({ dtype, qLens: [40, 3], kLens: [70, 9], options }),
  paged: (dtype, options) =>
    pagedProblem({ dtype, qLens: [5, 33], used: [70, 40], pageSize: 16, options }),
  decode: (dtype, options) =>
    pagedProblem({ dtype, qLens: [1, 1], used: [170, 40], pageSize: 16, options }),
};

const combined = 'softcap-alibi-sinks-window-scale';

/** Softcap and ALiBi are part of the pipeline: the quick tier runs each where it costs least. */
function tiersOf(
  layout: string,
  name: string,
  { softcap, alibiSlopes }: ReferenceOptions,
): [f32: Tier, f16: Tier] {
  if (softcap === undefined && alibiSlopes === undefined) return ['quick', 'quick'];
  if (name === combined)
    return ['quick', layout === 'decode' || layout === 'dense' ? 'quick' : 'full'];
  return [layout === 'dense' ? 'quick' : 'full', 'full'];
}

const optionSetCases: readonly RunnableCase[] = Object.entries(optionProblems).flatMap(
  ([layout, build]) =>
    Object.entries(optionSets).flatMap(([name, options]) => {
      const [tier, f16Tier] = tiersOf(layout, name, options);
      return defineCase('options', `${layout}/${name}`, {
        tier,
        f16Tier,
        tags: layout === 'dense' ? ['browser'] : [],
        async run(gpu, dtype) {
          const problem = poisonUnused(build(dtype, options), NaN);
          const numSplits = layout === 'decode' ? 3 : 1;
          return isRight(name, await launch(gpu, problem, dtype, { numSplits }), problem, dtype);
        },
      });
    }),
);

const counts = [1, 2, 3, 4, 7, 16, 64, 'auto'] as const;
const splitSinks = normal([4], random(21), 'f32');

const splitProblems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  'dense-long': (dtype) => denseProblem({ dtype, lq: 1, lk: 1000 }),
  'dense-few-rows-causal': (dtype) =>
    denseProblem({ dtype, lq: 9, lk: 300, options: { causal: true } }),
  'prefill-causal': (dtype) =>
    denseProblem({ dtype, lq: 150, lk: 170, heads: [2, 1], options: { causal: true } }),
  // Some splits have no key.
  'ragged-with-empty': (dtype) =>
    packedProblem({ dtype, qLens: [1, 1, 1, 1], kLens: [300, 0, 1, 65] }),
  window: (dtype) => denseProblem({ dtype, lq: 2, lk: 500, options: { window: [20, 0] } }),
  // The sink is added once, not once per split.
  sinks: (dtype) =>
    packedProblem({ dtype, qLens: [1, 1, 1], kLens: [300, 0, 40], options: { sinks: splitSinks } }),
  paged: (dtype) => pagedProblem({ dtype, qLens: [1, 2], used: [333, 40], pageSize: 32 }),
};

const splitCases: readonly RunnableCase[] = Object.entries(splitProblems).flatMap(([name, build]) =>
  defineCase('splits', name, {
    tags: ['browser'],
    run: (gpu, dtype) => rightInSplits(gpu, poisonUnused(build(dtype), NaN), dtype, counts),
  }),
);

/** Cases of the options of attention, and of numbers of splits. */
export const optionCases: readonly RunnableCase[] = [...optionSetCases, ...splitCases];
