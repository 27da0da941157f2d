import { denseProblem } from '../../problems/build-problem.ts';
import { mods, withMods } from '../../problems/launch-flex.ts';
import { generate } from '../../reference/nd-array.ts';
import type { RunnableCase } from '../shared/case.ts';
import { scales, softcaps } from '../shared/named-problems.ts';
import { base, type Build, gradientCase, layoutProblems } from './gradient-case.ts';

const alibiSlopes = generate([4], (h) => 2 ** (-2 * (h + 1)));
const ofAllHeads = (x: number) => generate([], () => x);

const problems: Readonly<Record<string, Build>> = {
  'scale-per-head/dense': layoutProblems({ scale: scales, causal: true }).dense,
  'scale-of-all-heads/packed': layoutProblems({ scale: ofAllHeads(0.3) }).packed,
  'softcap-per-head/paged': layoutProblems({ softcap: softcaps }).paged,
  // The score passes through all of them, and each has a gradient.
  'scale-softcap-alibi/dense': layoutProblems({
    scale: scales,
    softcap: ofAllHeads(2),
    alibiSlopes,
    sinks: generate([4], (h) => [-Infinity, -3, 0.5, 6][h]!),
    causal: true,
  }).dense,
  'scale-softcap-dropout/packed': layoutProblems({
    scale: scales,
    softcap: softcaps,
    dropout: { rate: 0.3, seed: 5 },
  }).packed,
  // Scores near 0, where the gradient of the cap is a small difference.
  'wide-softcap/dense': layoutProblems({ softcap: generate([4], () => 200) }).dense,
  'scale-before-mods/dense': (dtype) =>
    withMods(denseProblem({ ...base, dtype, lq: 37, lk: 50, options: { scale: scales } }), () =>
      mods({
        scoreMod: (s, _b, _h, q, kv) => (kv === q - 1 ? -Infinity : s + 0.1 * s * s),
      }),
    ),
};

const quick = ['scale-per-head/dense', 'scale-softcap-alibi/dense'];

/** Gradients of a scale and a softcap that are tensors. */
export const backwardLearnedCases: readonly RunnableCase[] = Object.entries(problems).flatMap(
  ([name, build]) =>
    gradientCase('backward-learned', name, build, {
      lse: true,
      tier: quick.includes(name) ? 'quick' : 'full',
      f16Tier: 'full',
      tags: name === 'scale-softcap-alibi/dense' ? ['browser'] : [],
    }),
);
