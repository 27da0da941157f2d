import type { Arithmetic } from './arithmetic.ts';
import type { NdArray } from './nd-array.ts';
import type { Problem } from './problem.ts';
import { headsOf, type Sequence } from './sequences.ts';

/** A score at or below this counts as masked, as a scoreMod's −Infinity does. */
const maskedScore = -1e30;

/** The final score of a pair, or −Infinity where it is masked. */
export type ScoreFunction = (dot: number, i: number, j: number, position: number) => number;

/** Builds the score pipeline of one head of one sequence: scale → softcap → ALiBi → scoreMod → maskMod. */
export function scoreFunction(
  problem: Problem,
  sequence: Sequence,
  h: number,
  arithmetic: Arithmetic,
): ScoreFunction {
  const { softcap, scoreMod, maskMod, alibiSlopes } = problem.options;
  const { round } = arithmetic;
  const scale = round(problem.options.scale ?? 1 / Math.sqrt(headsOf(problem).qk));
  const slope = alibiSlopes === undefined ? 0 : slopeOf(alibiSlopes, sequence.index, h);
  return (dot, i, j, position) => {
    let score = round(dot * scale);
    if (softcap !== undefined) score = round(softcap * round(Math.tanh(round(score / softcap))));
    if (slope !== 0) score = round(score - round(slope * Math.abs(position - j)));
    if (scoreMod === undefined && maskMod === undefined) return score;
    const info = {
      qLen: sequence.qLen,
      kvLen: sequence.kvLen,
      qRow: sequence.qRow(i),
      kvRow: sequence.kvRow(j),
    };
    if (scoreMod !== undefined)
      score = round(scoreMod(score, sequence.index, h, position, j, info));
    // NaN is masked too: what a mod makes of it is no score.
    if (!(score > maskedScore)) return -Infinity;
    return maskMod?.(sequence.index, h, position, j, info) === false ? -Infinity : score;
  };
}

function slopeOf(slopes: NdArray, b: number, h: number): number {
  const heads = slopes.shape.at(-1) ?? 0;
  return slopes.data[slopes.shape.length === 2 ? b * heads + h : h] ?? 0;
}
