import { packedProblem } from '../../problems/build-problem.ts';
import type { Case } from '../case.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';
import { movedOn } from '../../problems/rearrange-problem.ts';

const problems: Readonly<Record<string, Build>> = {
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
const fromBoth = Object.entries(problems).flatMap(([name, build]) =>
  [false, true].flatMap((gpuLengths) =>
    gradientCase('backward-packed', `${name}${gpuLengths ? '/gpu-lengths' : ''}`, build, {
      launch: { gpuLengths },
      tier: name === 'unequal-dims' ? 'full' : 'quick',
      f16Tier: 'full',
      tags: name === 'ragged' && gpuLengths ? ['browser'] : [],
    }),
  ),
);

/** Rows that no sequence owns have gradient 0, also those before the first. */
const rowsOfNobody = gradientCase(
  'backward-packed',
  'rows-of-nobody/gpu-lengths',
  (dtype) => movedOn(problems['ragged']!(dtype), [5, 6]),
  { launch: { gpuLengths: true }, f16Tier: 'full', tags: ['browser'] },
);

export const packedCases: readonly Case[] = [...fromBoth, ...rowsOfNobody];
