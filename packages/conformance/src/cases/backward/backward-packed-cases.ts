import { finite } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { movedOn } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { attacks } from '../shared/hostile-lengths.ts';
import { poisons, zeroLengthProblems } from '../shared/named-problems.ts';
import { areRight, base, type Build, gradientCase, sameGradients } from './gradient-case.ts';

const packedProblems: Readonly<Record<string, Build>> = {
  ragged: (dtype) =>
    packedProblem({
      ...base,
      dtype,
      qLens: [33, 0, 1, 70, 5],
      kLens: [65, 3, 0, 70, 9],
      spareRows: [7, 9],
      options: { causal: true },
    }),
  'tile-edges': (dtype) =>
    packedProblem({
      dtype,
      heads: [2, 1],
      dim: 16,
      qLens: [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 2],
      kLens: [17, 16, 15, 9, 8, 7, 33, 32, 31, 1, 64],
    }),
  'window-align-start': (dtype) =>
    packedProblem({
      ...base,
      dtype,
      qLens: [40, 35],
      kLens: [70, 33],
      options: { window: [9, 4], align: 'start' },
    }),
  'slots-used': (dtype) =>
    packedProblem({
      ...base,
      dtype,
      qLens: [20, 0, 9, 3],
      kLens: [40, 40, 40, 40],
      used: [33, 40, 0, 1],
      spareRows: [2, 3],
    }),
  'unequal-dims': (dtype) =>
    packedProblem({ ...base, dtype, dimV: 40, qLens: [33, 5], kLens: [40, 65] }),
};

/** Lengths from host arrays and from GPU tensors. */
const fromBoth = Object.entries(packedProblems).flatMap(([name, build]) =>
  [false, true].flatMap((gpuLengths) =>
    gradientCase('backward-packed', `${name}${gpuLengths ? '/gpu-lengths' : ''}`, build, {
      launch: { gpuLengths },
      tier: name === 'unequal-dims' ? 'full' : 'quick',
      f16Tier: 'full',
      tags: name === 'ragged' && gpuLengths ? ['browser'] : [],
    }),
  ),
);

/** Rows outside every sequence have gradient 0, also rows before the first. */
const ownerlessRows = gradientCase(
  'backward-packed',
  'rows-of-nobody/gpu-lengths',
  (dtype) => movedOn(packedProblems['ragged']!(dtype), [5, 6]),
  { launch: { gpuLengths: true }, f16Tier: 'full', tags: ['browser'] },
);

const packedCases: readonly RunnableCase[] = [...fromBoth, ...ownerlessRows];

const used = [
  [127, 63, 33, 17],
  [0, 128, 1, 64],
] as const;

/** Rows beyond the used length have gradient 0, whatever their memory holds. */
const seqUsedCases: readonly RunnableCase[] = used.flatMap((lengths) =>
  (Object.keys(poisons) as (keyof typeof poisons)[]).flatMap((poison) =>
    gradientCase(
      'backward-seqused',
      `lens-${lengths.join('-')}/poison-${poison}`,
      (dtype) =>
        denseProblem({
          ...base,
          dtype,
          batch: 4,
          lq: 9,
          lk: 128,
          seqUsedK: lengths,
          options: { causal: true },
        }),
      {
        poison: poisons[poison],
        f16Tier: poison === 'nan' && lengths[0] === 127 ? 'quick' : 'full',
        tags: poison === 'nan' && lengths[0] === 0 ? ['browser'] : [],
      },
    ),
  ),
);

const sinks = generate([4], (h) => h / 2 - 1);

/** Rows that see no key, and keys that no row sees, have gradient 0. */
const emptyProblems: Readonly<Record<string, Build>> = {
  'causal-lq-over-lk': (dtype) =>
    denseProblem({ ...base, dtype, lq: 70, lk: 20, options: { causal: true } }),
  'causal-start-lk-over-lq': (dtype) =>
    denseProblem({ ...base, dtype, lq: 20, lk: 90, options: { causal: true, align: 'start' } }),
  'causal-lq-over-lk-sinks': (dtype) =>
    denseProblem({ ...base, dtype, lq: 70, lk: 20, options: { causal: true, sinks } }),
  'window-past-the-keys': (dtype) =>
    denseProblem({ ...base, dtype, lq: 90, lk: 10, options: { window: [3, 3], align: 'start' } }),
  'all-used-0': (dtype) =>
    denseProblem({ ...base, dtype, batch: 2, lq: 5, lk: 40, seqUsedK: [0, 0] }),
  'no-queries': (dtype) => denseProblem({ ...base, dtype, lq: 0, lk: 40 }),
  'no-keys': (dtype) => denseProblem({ ...base, dtype, lq: 40, lk: 0 }),
  'packed-no-rows': (dtype) => packedProblem({ ...base, dtype, qLens: [0, 0], kLens: [3, 0] }),
};

const emptyRowCases: readonly RunnableCase[] = Object.entries(emptyProblems).flatMap(
  ([name, build]) =>
    gradientCase('backward-empty-rows', name, build, {
      f16Tier: 'full',
      tags: name === 'causal-lq-over-lk-sinks' ? ['browser'] : [],
    }),
);

/** With an empty dimension, the remaining gradients are still right. */
const zeroLengthCases: readonly RunnableCase[] = Object.entries(zeroLengthProblems).flatMap(
  ([name, build]) =>
    gradientCase('backward-zero-length', name, (dtype) => build({ ...base, dtype }), {
      lse: true,
      f16Tier: 'full',
      tags: name === 'packed/both-sides-causal' ? ['browser'] : [],
    }),
);

const packedAttacks = Object.entries(attacks).filter(([name]) => name.startsWith('packed/'));

/** Invalid lengths: every element of a gradient is written, finite, and equal in a second run; the next valid call is right. */
const hostileCases: readonly RunnableCase[] = packedAttacks.flatMap(([name, attack]) =>
  defineCase('backward-hostile', name, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const problem = packedProblem({
        ...base,
        dtype,
        qLens: [5, 1, 33, 9],
        kLens: [40, 64, 40, 33],
        options: { causal: true },
      });
      const by = resultGradients(problem, dtype);
      const options = { gpuLengths: true };
      const hostile = { ...problem, ...attack(dtype).lengths };
      const got = await launchBackward(gpu, hostile, by, dtype, options);
      const again = await launchBackward(gpu, hostile, by, dtype, options);
      const next = await launchBackward(gpu, problem, by, dtype);
      return [
        ...(['dq', 'dk', 'dv'] as const).map((gradient) => finite(gradient, got[gradient])),
        ...sameGradients('again', again, got),
        ...areRight('the next call', next, problem, by, dtype),
      ];
    },
  }),
);

/** Gradients of packed, partly used and empty sequences, and with invalid lengths. */
export const backwardPackedCases: readonly RunnableCase[] = [
  ...packedCases,
  ...seqUsedCases,
  ...emptyRowCases,
  ...zeroLengthCases,
  ...hostileCases,
];
