import { type Arithmetic, float32, float64 } from './arithmetic.ts';
import { filled, type NdArray } from './nd-array.ts';
import type { AttentionState, Problem } from './problem.ts';
import { scoreFunction, type ScoreFunction } from './score.ts';
import { headsOf, type Heads, type Sequence, sequencesOf } from './sequences.ts';
import { visibleKeys } from './visible.ts';

/**
 * Attention in float64, straight from the definition: scores, softmax, weighted sum of values.
 *
 * Shares no code with the kernels. Rows beyond a length, page tails and pages in no table are never
 * read. A row with no visible key gives out 0 and lse −∞ (with sinks: the sink); a query row outside
 * every sequence gives 0 and −∞.
 *
 * @example
 * const { out, lse } = referenceAttention({ q, k, v, options: { causal: true } });
 */
export function referenceAttention(problem: Problem): AttentionState {
  return resultOf(attend(problem, float64));
}

/** The same attention with every operation rounded to float32: the yardstick of the error budgets. */
export function naiveAttention(problem: Problem): AttentionState {
  return resultOf(attend(problem, float32));
}

const resultOf = ({ out, lse }: RowStates): AttentionState => ({ out, lse });

/** With each row's largest score and its sum of exp(score − that), in the shape of lse: what weights are made of. */
export interface RowStates extends AttentionState {
  readonly max: NdArray;
  readonly sum: NdArray;
}

/** Attention in some arithmetic. */
export function attend(problem: Problem, arithmetic: Arithmetic): RowStates {
  const heads = headsOf(problem);
  const { shape } = problem.q;
  const dense = shape.length === 4;
  const out = filled([...shape.slice(0, -1), heads.v], 0);
  const rows = dense ? shape.slice(0, 3) : [heads.query, shape[0] ?? 0];
  const states = {
    out,
    lse: filled(rows, -Infinity),
    max: filled(rows, -Infinity),
    sum: filled(rows, 0),
  };
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < heads.query; h++)
      attendHead({ problem, sequence, heads, h, arithmetic, ...states });
  }
  return states;
}

interface HeadTask extends RowStates {
  readonly problem: Problem;
  readonly sequence: Sequence;
  readonly heads: Heads;
  readonly h: number;
  readonly arithmetic: Arithmetic;
}

function attendHead(task: HeadTask): void {
  const { problem, sequence, h, arithmetic } = task;
  const score = scoreFunction(problem, sequence, h, arithmetic);
  const weights = arithmetic.scratch(Math.max(0, sequence.kvLen));
  for (let i = 0; i < sequence.qLen; i++) attendRow(task, i, score, weights);
}

function attendRow(
  task: HeadTask,
  i: number,
  score: ScoreFunction,
  weights: Float32Array | Float64Array,
): void {
  const { problem, sequence, heads, h, arithmetic } = task;
  const { round } = arithmetic;
  const hkv = Math.floor(h / (heads.query / heads.kv));
  const { position, first, end } = visibleKeys(problem.options, i, sequence.qLen, sequence.kvLen);
  const sink = problem.options.sinks?.data[h] ?? -Infinity;
  const q = sequence.q(h, i);

  let max = sink;
  for (let j = first; j < end; j++) {
    const s = score(
      arithmetic.dot(problem.q.data, q, problem.k.data, sequence.k(hkv, j), heads.qk),
      i,
      j,
      position,
    );
    weights[j] = s;
    if (s > max) max = s;
  }
  if (max === -Infinity) return;

  let sum = sink === -Infinity ? 0 : round(Math.exp(round(sink - max)));
  for (let j = first; j < end; j++) {
    const weight = round(Math.exp(round((weights[j] as number) - max)));
    weights[j] = weight;
    sum = round(sum + weight);
  }
  const row = arithmetic.scratch(heads.v);
  for (let j = first; j < end; j++) {
    const weight = weights[j] as number;
    if (weight === 0) continue;
    arithmetic.addScaled(row, round(weight / sum), problem.v.data, sequence.v(hkv, j), heads.v);
  }
  const at = sequence.lse(h, i);
  task.out.data.set(row, sequence.out(h, i));
  task.lse.data[at] = round(max + round(Math.log(sum)));
  task.max.data[at] = max;
  task.sum.data[at] = sum;
}
