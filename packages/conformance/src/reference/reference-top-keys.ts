import { extent, filled, type NdArray } from './nd-array.ts';
import { float64 } from './number-types.ts';
import { visibleKeys } from './pair-scores.ts';
import type { ReferenceProblem } from './reference-problem.ts';
import { headsOf, type Sequence, sequencesOf } from './sequences.ts';

/** One problem of `topKeys` on the host. The keys have one head, and the values are not used. */
export interface TopKeysProblem extends ReferenceProblem {
  readonly topK: number;
  /** [B, Hi, Lq] or [Tq, Hi]; default 1. */
  readonly weights?: NdArray;
  readonly blockSize?: number;
}

/** The score of each visible entry (key or block) of one query row, in float64. */
export type EntryScores = ReadonlyMap<number, number>;

const infoOf = (s: Sequence, i: number, j: number) => ({
  qLen: s.qLen,
  kvLen: s.kvLen,
  qRow: s.qRow(i),
  kvRow: s.kvRow(j),
});

/** Computes the scores of a row from the definition; NaN counts as −∞. A pair that a mod hides adds nothing. */
function entryScores(problem: TopKeysProblem, sequence: Sequence, i: number): EntryScores {
  const { q, k, options, blockSize = 1 } = problem;
  const { scoreMod = (dot: number) => Math.max(0, dot), maskMod } = options;
  const heads = headsOf(problem);
  const { position, first, end } = visibleKeys(options, i, sequence.qLen, sequence.kvLen);
  const entries = new Map<number, number>();
  for (let j = first; j < end; j++) {
    const info = infoOf(sequence, i, j);
    let sum: number | undefined;
    for (let h = 0; h < heads.query; h++) {
      const [at, to] = [sequence.q(h, i), sequence.k(0, j)];
      const dot = float64.dot(q.data, at, k.data, to, heads.qk);
      const score = scoreMod(dot, sequence.index, h, position, j, info);
      if (options.scoreMod && !(score > -1e30)) continue;
      if (maskMod?.(sequence.index, h, position, j, info) === false) continue;
      sum = (sum ?? 0) + weightOf(problem, sequence, h, i) * score;
    }
    if (sum === undefined) continue;
    const entry = Math.floor(j / blockSize);
    const score = Number.isNaN(sum) ? -Infinity : sum;
    entries.set(entry, Math.max(entries.get(entry) ?? -Infinity, score));
  }
  return entries;
}

function weightOf({ weights, q }: TopKeysProblem, s: Sequence, h: number, i: number): number {
  if (weights === undefined) return 1;
  const heads = extent(q, 1);
  const isDense = q.shape.length === 4;
  const at = isDense ? (s.index * heads + h) * s.qLen + i : s.qRow(i) * heads + h;
  return weights.data[at]!;
}

/** Lists the `topK` entries with the largest scores, the lower of equals, in ascending order, then −1. */
export function bestEntries(scores: EntryScores, topK: number): number[] {
  const ranked = [...scores].toSorted(([i, a], [j, b]) => (a === b ? i - j : b - a));
  const entries = ranked.slice(0, topK).map(([entry]) => entry);
  entries.sort((a, b) => a - b);
  return [...entries, ...new Array<number>(topK - entries.length).fill(-1)];
}

/**
 * Computes the lists of all rows, [B, 1, Lq, topK] or [Tq, 1, topK]: −1 in rows of no sequence.
 * @param listOf chooses the list of a row; default {@link bestEntries}
 */
export function referenceTopKeys(
  problem: TopKeysProblem,
  listOf: (scores: EntryScores, row: number) => readonly number[] = (scores) =>
    bestEntries(scores, problem.topK),
): NdArray {
  const { q, topK } = problem;
  const isDense = q.shape.length === 4;
  const rows = isDense ? [extent(q, 0), 1, extent(q, 2)] : [extent(q, 0), 1];
  const lists = filled([...rows, topK], -1);
  for (const sequence of sequencesOf(problem)) {
    for (let i = 0; i < sequence.qLen; i++) {
      const row = isDense ? sequence.index * sequence.qLen + i : sequence.qRow(i);
      lists.data.set(listOf(entryScores(problem, sequence, i), row), row * topK);
    }
  }
  return lists;
}
