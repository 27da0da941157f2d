import { type Arithmetic, float32, float64 } from './arithmetic.ts';
import { attend } from './attention.ts';
import { filled, type NdArray } from './nd-array.ts';
import type { AttentionState, Problem } from './problem.ts';
import { scoreFunction, type ScoreFunction } from './score.ts';
import { headsOf, type Sequence, sequencesOf } from './sequences.ts';
import { visibleKeys } from './visible.ts';

/** Gradients by what results: by out, and by lse if it is used. */
export interface ResultGradients {
  readonly dOut: NdArray;
  readonly dLse?: NdArray;
}

/** Gradients by what attention is given, each in the shape of its input. */
export interface Gradients {
  readonly dq: NdArray;
  readonly dk: NdArray;
  readonly dv: NdArray;
  readonly dSinks?: NdArray;
  readonly dAlibiSlopes?: NdArray;
}

/**
 * The gradients of attention in float64, pair by pair from the definition: with P the weights and D = rowsum(dOut∘out) − dLse,
 * dv = Pᵀ·dOut and dScore = P∘(dOut·vᵀ − D). Rows that several sequences share (pages, a broadcast batch) get the sum.
 * What mods do to a score is differentiated numerically, so that no rule of derivation is shared with a compiler.
 *
 * @example
 * const { dq, dk, dv } = referenceGradients({ q, k, v, options: { causal: true } }, { dOut });
 */
export function referenceGradients(problem: Problem, by: ResultGradients): Gradients {
  return gradients(problem, by, float64);
}

/** The same with every operation rounded to float32: the yardstick of the error budgets. */
export function naiveGradients(problem: Problem, by: ResultGradients): Gradients {
  return gradients(problem, by, float32);
}

function gradients(problem: Problem, by: ResultGradients, arithmetic: Arithmetic): Gradients {
  const { q, k, v, options } = problem;
  const state = attend(problem, arithmetic);
  const { sinks, alibiSlopes } = options;
  const all: Gradients = {
    dq: filled(q.shape, 0),
    dk: filled(k.shape, 0),
    dv: filled(v.shape, 0),
    ...(sinks && { dSinks: filled(sinks.shape, 0) }),
    ...(alibiSlopes && { dAlibiSlopes: filled(alibiSlopes.shape, 0) }),
  };
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < headsOf(problem).query; h++) {
      const score = scoreFunction(problem, sequence, h, arithmetic);
      const task = { problem, by, arithmetic, state, all, sequence, h, score };
      for (let i = 0; i < sequence.qLen; i++) rowGradient(task, i);
    }
  }
  return all;
}

interface RowTask {
  readonly problem: Problem;
  readonly by: ResultGradients;
  readonly arithmetic: Arithmetic;
  readonly state: AttentionState;
  readonly all: Gradients;
  readonly sequence: Sequence;
  readonly h: number;
  readonly score: ScoreFunction;
}

function rowGradient(task: RowTask, i: number): void {
  const { problem, by, arithmetic, state, all, sequence, h, score } = task;
  const { q, k, v, options } = problem;
  const { round, dot, addScaled } = arithmetic;
  const heads = headsOf(problem);
  const hkv = Math.floor(h / (heads.query / heads.kv));
  const [qAt, outAt, lseAt] = [sequence.q(h, i), sequence.out(h, i), sequence.lse(h, i)];
  const lse = state.lse.data[lseAt]!;
  if (lse === -Infinity) return;
  const dLse = by.dLse?.data[lseAt] ?? 0;
  const delta = round(dot(by.dOut.data, outAt, state.out.data, outAt, heads.v) - dLse);
  const sink = options.sinks?.data[h];
  if (sink !== undefined) all.dSinks!.data[h]! -= Math.exp(sink - lse) * delta;

  const { position, first, end } = visibleKeys(options, i, sequence.qLen, sequence.kvLen);
  for (let j = first; j < end; j++) {
    const [kAt, vAt] = [sequence.k(hkv, j), sequence.v(hkv, j)];
    const product = dot(q.data, qAt, k.data, kAt, heads.qk);
    const final = score(product, i, j, position);
    if (final === -Infinity) continue;
    const weight = round(Math.exp(round(final - lse)));
    const dWeight = dot(by.dOut.data, outAt, v.data, vAt, heads.v);
    const dScore = round(weight * round(dWeight - delta));
    addScaled(all.dv.data, weight, by.dOut.data, outAt, heads.v, vAt);
    addSlope(task, dScore, Math.abs(position - j));
    const dProduct = round(dScore * slope(task, product, i, j, position));
    addScaled(all.dq.data, dProduct, k.data, kAt, heads.qk, qAt);
    addScaled(all.dk.data, dProduct, q.data, qAt, heads.qk, kAt);
  }
}

/** d(final score) / d(q·k). */
function slope(
  { problem, sequence, h }: RowTask,
  product: number,
  i: number,
  j: number,
  position: number,
): number {
  const { softcap, scoreMod, scale } = problem.options;
  if (softcap === undefined && scoreMod === undefined) {
    return scale ?? 1 / Math.sqrt(headsOf(problem).qk);
  }
  const exact = scoreFunction(problem, sequence, h, float64);
  const step = 1e-5 * Math.max(1, Math.abs(product));
  const [below, above] = [-step, step].map((by) => exact(product + by, i, j, position)) as [
    number,
    number,
  ];
  return (above - below) / (2 * step);
}

function addSlope({ all, sequence, h }: RowTask, dScore: number, distance: number): void {
  const slopes = all.dAlibiSlopes;
  if (!slopes) return;
  const at = slopes.shape.length === 2 ? sequence.index * slopes.shape[1]! + h : h;
  slopes.data[at]! -= dScore * distance;
}
