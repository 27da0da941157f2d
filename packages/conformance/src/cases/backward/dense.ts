import { denseProblem } from '../../problems/build-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import type { Case, Tier } from '../case.ts';
import { base, gradientCase } from './problem-cases.ts';

const group = 'backward-dense';

/** The pairs of flash-attention's tests. */
const lengths = [
  [113, 203],
  [128, 217],
  [108, 256],
  [203, 113],
  [256, 512],
  [1024, 1023],
] as const;

const bands: Readonly<Record<string, ReferenceOptions>> = {
  all: {},
  causal: { causal: true },
  'causal-start': { causal: true, align: 'start' },
  'window-20-5': { window: [20, 5] },
  'window-20-5-start': { window: [20, 5], align: 'start' },
  'window-30-causal': { window: [30, 0], scale: 0.4 },
};

function tierOf(lq: number, band: string): Tier {
  return lq === 113 || (lq === 108 && band === 'causal') ? 'quick' : 'full';
}

const byLengths = lengths.flatMap(([lq, lk]) =>
  Object.entries(bands).flatMap(([band, options]) =>
    gradientCase(
      group,
      `lengths-${lq}x${lk}/${band}`,
      (dtype) => denseProblem({ dtype, lq, lk, heads: [2, 1], dim: 16, options }),
      {
        tier: tierOf(lq, band),
        f16Tier: lq === 113 && band === 'causal' ? 'quick' : 'full',
        tags: lq === 113 && band === 'causal' ? ['browser'] : [],
      },
    ),
  ),
);

const alibiSlopes = generate([4], (h) => 2 ** (-2 * (h + 1)));
const perBatch = generate([2, 4], (i) => 2 ** -(i + 1));

/** Options that change scores, each a kernel of its own. */
const scores: Readonly<Record<string, ReferenceOptions>> = {
  softcap: { softcap: 2 },
  alibi: { alibiSlopes },
  'alibi-per-batch': { alibiSlopes: perBatch },
  'softcap-alibi-causal': { softcap: 1.5, alibiSlopes, causal: true },
  'softcap-alibi-sinks': { softcap: 1.5, alibiSlopes, sinks: generate([4], (h) => h - 1) },
};

const byScores = Object.entries(scores).flatMap(([name, options]) =>
  gradientCase(
    group,
    `options/${name}`,
    (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 81, options }),
    {
      tier: name.startsWith('softcap-') ? 'quick' : 'full',
      f16Tier: 'full',
      tags: name === 'softcap-alibi-causal' ? ['browser'] : [],
    },
  ),
);

export const denseCases: readonly Case[] = [...byLengths, ...byScores];
