import { keptPairs } from './dropped-pairs.ts';
import { filled, type NdArray, sizeOf } from './nd-array.ts';
import { type Arithmetic, float32, float64 } from './number-types.ts';
import { type ScoreFunction, scoreFunction, keysOfRow } from './pair-scores.ts';
import type { AttentionState, ReferenceProblem } from './reference-problem.ts';
import { type Heads, headsOf, type Sequence, sequencesOf } from './sequences.ts';

/**
 * Computes attention in float64 from the definition: scores, softmax, weighted sum of values.
 *
 * It shares no code with the kernels. It never reads rows beyond a length, page tails, or pages outside every block table. A row
 * without a visible key gives out 0 and lse −∞ (with sinks: the sink); a query row outside every sequence gives 0 and −∞.
 *
 * @example
 * const { out, lse } = referenceAttention({ q, k, v, options: { causal: true } });
 */
export function referenceAttention(problem: ReferenceProblem): Required<AttentionState> {
  return resultOf(attend(problem, float64));
}

/** Computes the same attention with every operation rounded to float32: the error budgets are made of its error. */
export function naiveAttention(problem: ReferenceProblem): Required<AttentionState> {
  return resultOf(attend(problem, float32));
}

const resultOf = ({ out, lse, keyMax }: RowStates): Required<AttentionState> => ({
  out,
  lse,
  max: keyMax,
});

/**
 * The state with `max`, the largest score of each row, its sink included, `keyMax`, the largest score of its keys, and `sum`, its sum of
 * exp(score − max), all in the shape of lse.
 */
export interface RowStates extends Omit<AttentionState, 'max'> {
  readonly max: NdArray;
  readonly keyMax: NdArray;
  readonly sum: NdArray;
}

/** Computes attention in the given arithmetic. */
export function attend(problem: ReferenceProblem, arithmetic: Arithmetic): RowStates {
  const heads = headsOf(problem);
  const { shape } = problem.q;
  const dense = shape.length === 4;
  const out = filled([...shape.slice(0, -1), heads.v], 0);
  const rows = dense ? shape.slice(0, 3) : [heads.query, shape[0] ?? 0];
  const states = {
    out,
    lse: filled(rows, -Infinity),
    max: filled(rows, -Infinity),
    keyMax: filled(rows, -Infinity),
    sum: filled(rows, 0),
  };
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < heads.query; h++)
      attendHead({ problem, sequence, heads, h, arithmetic, ...states });
  }
  return states;
}

interface HeadTask extends RowStates {
  readonly problem: ReferenceProblem;
  readonly sequence: Sequence;
  readonly heads: Heads;
  readonly h: number;
  readonly arithmetic: Arithmetic;
}

function attendHead(task: HeadTask): void {
  const { problem, sequence, h, arithmetic } = task;
  const score = scoreFunction(problem, sequence, h, arithmetic);
  const { selectedKeys, selectedBlockSize = 1 } = problem.options;
  const listed = (selectedKeys?.shape.at(-1) ?? 0) * selectedBlockSize;
  const weights = arithmetic.scratch(Math.max(sequence.kvLen, listed));
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
  const { position, keys } = keysOfRow(problem, sequence, h, i);
  const sink = problem.options.sinks?.data[h] ?? -Infinity;
  const q = sequence.q(h, i);

  let keyMax = -Infinity;
  for (const [n, j] of keys.entries()) {
    const s = score(
      arithmetic.dot(problem.q.data, q, problem.k.data, sequence.k(hkv, j), heads.qk),
      i,
      j,
      position,
    );
    weights[n] = s;
    if (s > keyMax) keyMax = s;
  }
  const max = Math.max(sink, keyMax);
  if (max === -Infinity) return;

  let sum = sink === -Infinity ? 0 : round(Math.exp(round(sink - max)));
  for (let n = 0; n < keys.length; n++) {
    const weight = round(Math.exp(round((weights[n] as number) - max)));
    weights[n] = weight;
    sum = round(sum + weight);
  }
  const row = arithmetic.scratch(heads.v);
  const { isKept, scale } = keptPairs(problem.options.dropout, sequence.index, h, position);
  for (const [n, j] of keys.entries()) {
    const weight = weights[n] as number;
    if (weight === 0 || !isKept(j)) continue;
    const kept = round(round(weight / sum) * round(scale));
    arithmetic.addScaled(row, kept, problem.v.data, sequence.v(hkv, j), heads.v);
  }
  const at = sequence.lse(h, i);
  task.out.data.set(row, sequence.out(h, i));
  task.lse.data[at] = round(max + round(Math.log(sum)));
  task.max.data[at] = max;
  task.keyMax.data[at] = keyMax;
  task.sum.data[at] = sum;
}

/**
 * Merges attention states over disjoint key sets into the state over their union, pairwise and in order, with weights
 * exp(lse − lseMerged); (−∞, −∞) merges to (0, −∞). `out` is [B, H, L, D] with lse [B, H, L], or [T, H, D] with lse [H, T].
 */
export function referenceMerge(states: readonly AttentionState[]): AttentionState {
  return mergeAll(states, float64);
}

/** Merges the same way with every operation rounded to float32. */
export function naiveMerge(states: readonly AttentionState[]): AttentionState {
  return mergeAll(states, float32);
}

function mergeAll(states: readonly AttentionState[], arithmetic: Arithmetic): AttentionState {
  const [head, ...rest] = states;
  if (head === undefined) throw new RangeError('referenceMerge: needs at least one state');
  return rest.reduce((merged, next) => mergePair(merged, next, arithmetic), head);
}

function mergePair(a: AttentionState, b: AttentionState, { round }: Arithmetic): AttentionState {
  const out = filled(a.out.shape, 0);
  const lse = filled(a.lse.shape, -Infinity);
  const width = a.out.shape.at(-1) ?? 0;
  for (let row = 0; row < lse.data.length; row++) {
    const [la, lb] = [elementOf(a.lse, row), elementOf(b.lse, row)];
    const max = Math.max(la, lb);
    if (max === -Infinity) continue;
    const [wa, wb] = [round(Math.exp(round(la - max))), round(Math.exp(round(lb - max)))];
    const sum = round(wa + wb);
    lse.data[row] = round(max + round(Math.log(sum)));
    const base = outRow(a.lse.shape, row) * width;
    for (let d = base; d < base + width; d++) {
      out.data[d] = round(
        round(round(wa / sum) * elementOf(a.out, d)) + round(round(wb / sum) * elementOf(b.out, d)),
      );
    }
  }
  return { out, lse };
}

/** Converts a flat index of lse to a row of `out`: the same row if dense; [H, T] → [T, H] if packed. */
function outRow(lseShape: readonly number[], row: number): number {
  if (lseShape.length === 3) return row;
  const [heads = 0, tokens = 0] = lseShape;
  return (row % tokens) * heads + Math.floor(row / tokens);
}

function elementOf(array: NdArray, index: number): number {
  const value = array.data[index];
  if (value === undefined)
    throw new RangeError(
      `referenceMerge: state of ${sizeOf(array.shape)} elements read at ${index}`,
    );
  return value;
}
