import { denseProblem } from '../../problems/build-problem.ts';
import type { Case, Tier } from '../case.ts';
import { gradientCase } from './problem-cases.ts';

const dims = [
  [7, 7],
  [9, 33],
  [33, 33],
  // Those of flash-attention's tests.
  [32, 32],
  [40, 40],
  [59, 59],
  [64, 64],
  [80, 80],
  [96, 96],
  [111, 111],
  [128, 128],
  [160, 160],
  [192, 192],
  [224, 224],
  [256, 256],
  [192, 128],
  [64, 24],
  [16, 40],
] as const;

// Each dim is three kernels of its own: one that is odd is quick, in both types that a row of it can have.
const tierOf = (dim: number): Tier => (dim === 9 ? 'quick' : 'full');

export const headDimCases: readonly Case[] = dims.flatMap(([dim, dimV]) =>
  gradientCase(
    'backward-head-dims',
    dim === dimV ? `dim-${dim}` : `dim-${dim}x${dimV}`,
    (dtype) =>
      denseProblem({
        dtype,
        lq: 40,
        lk: 53,
        heads: [2, 1],
        dim,
        dimV,
        options: { causal: true },
      }),
    { tier: tierOf(dim) },
  ),
);
