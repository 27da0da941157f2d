import { keptPairs } from './dropped-pairs.ts';
import { filled, type NdArray } from './nd-array.ts';
import { type Arithmetic, float32, float64, type FloatDType, toStorage } from './number-types.ts';
import {
  headIndex,
  optionDerivative,
  scoreDerivative,
  type ScoreFunction,
  scoreFunction,
  slopeDerivative,
  slopeIndex,
  keysOfRow,
} from './pair-scores.ts';
import { attend, type RowStates } from './reference-attention.ts';
import type { ReferenceProblem } from './reference-problem.ts';
import { headsOf, type Sequence, sequencesOf } from './sequences.ts';

/** Gradients with respect to the results: out, and lse if it is used. */
export interface ResultGradients {
  readonly dOut: NdArray;
  readonly dLse?: NdArray;
}

/** Gradients with respect to the inputs, each in the shape of its input. */
export interface Gradients {
  readonly dq: NdArray;
  readonly dk: NdArray;
  readonly dv: NdArray;
  readonly dSinks?: NdArray;
  readonly dAlibiSlopes?: NdArray;
  readonly dScale?: NdArray;
  readonly dSoftcap?: NdArray;
}

/**
 * Computes the gradients of attention in float64, pair by pair from the definition. With P the weights and
 * D = rowsum(dOut∘out) − dLse: dv = Pᵀ·dOut and dScore = P∘(dOut·vᵀ − D). With dropout, M being 0 or 1 / (1 − rate), dv = (P∘M)ᵀ·dOut and
 * dScore = P∘(M∘dOut·vᵀ − D). Rows that several sequences share (pages, a broadcast
 * batch) get the sum. Mods are differentiated numerically, so that the reference shares no rule of differentiation with a compiler.
 *
 * @example
 * const { dq, dk, dv } = referenceGradients({ q, k, v, options: { causal: true } }, { dOut });
 */
export function referenceGradients(problem: ReferenceProblem, by: ResultGradients): Gradients {
  return gradients(problem, by, attend(problem, float64), float64);
}

/**
 * Computes the same gradients with every operation rounded to float32: the error budgets are made of its error. Between forward
 * and backward, `out` is rounded to the storage type, as in any program.
 */
export function naiveGradients(
  problem: ReferenceProblem,
  by: ResultGradients,
  storage: FloatDType = 'f32',
): Gradients {
  const state = attend(problem, float32);
  const { shape, data } = state.out;
  const out = { shape, data: data.map((x) => toStorage(x, storage)) };
  return gradients(problem, by, { ...state, out }, float32);
}

function gradients(
  problem: ReferenceProblem,
  by: ResultGradients,
  state: RowStates,
  arithmetic: Arithmetic,
): Gradients {
  const { q, k, v, options } = problem;
  const { sinks, alibiSlopes, scale, softcap } = options;
  const all: Gradients = {
    dq: filled(q.shape, 0),
    dk: filled(k.shape, 0),
    dv: filled(v.shape, 0),
    ...(sinks && { dSinks: filled(sinks.shape, 0) }),
    ...(alibiSlopes && { dAlibiSlopes: filled(alibiSlopes.shape, 0) }),
    ...(typeof scale === 'object' && { dScale: filled(scale.shape, 0) }),
    ...(typeof softcap === 'object' && { dSoftcap: filled(softcap.shape, 0) }),
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
  readonly problem: ReferenceProblem;
  readonly by: ResultGradients;
  readonly arithmetic: Arithmetic;
  readonly state: RowStates;
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
  const [max, sum] = [state.max.data[lseAt]!, state.sum.data[lseAt]!];
  if (max === -Infinity) return;
  const weightOf = (final: number): number => round(round(Math.exp(round(final - max))) / sum);
  const dLse = by.dLse?.data[lseAt] ?? 0;
  const delta = round(dot(by.dOut.data, outAt, state.out.data, outAt, heads.v) - dLse);
  const sink = options.sinks?.data[h];
  if (sink !== undefined) {
    const weight = weightOf(sink);
    all.dSinks!.data[h] = round(all.dSinks!.data[h]! - round(weight * delta));
  }

  const { position, keys } = keysOfRow(problem, sequence, h, i);
  const { isKept, scale } = keptPairs(options.dropout, sequence.index, h, position);
  for (const j of keys) {
    const [kAt, vAt] = [sequence.k(hkv, j), sequence.v(hkv, j)];
    const product = dot(q.data, qAt, k.data, kAt, heads.qk);
    const final = score(product, i, j, position);
    if (final === -Infinity) continue;
    const weight = weightOf(final);
    const factor = isKept(j) ? round(scale) : 0;
    const dWeight = round(factor * dot(by.dOut.data, outAt, v.data, vAt, heads.v));
    const dScore = round(weight * round(dWeight - delta));
    const pair = { problem, sequence, h, product, i, j, position };
    addScaled(all.dv.data, round(weight * factor), by.dOut.data, outAt, heads.v, vAt);
    addSlope(task, dScore * slopeDerivative(pair));
    addHeadNumber(task, all.dScale, dScore * optionDerivative('scale', pair));
    addHeadNumber(task, all.dSoftcap, dScore * optionDerivative('softcap', pair));
    const dProduct = round(dScore * scoreDerivative(pair));
    addScaled(all.dq.data, dProduct, k.data, kAt, heads.qk, qAt);
    addScaled(all.dk.data, dProduct, q.data, qAt, heads.qk, kAt);
  }
}

function addHeadNumber(
  { h, arithmetic: { round } }: RowTask,
  gradient: NdArray | undefined,
  by: number,
): void {
  if (!gradient) return;
  const at = headIndex(gradient, h);
  gradient.data[at] = round(gradient.data[at]! + round(by));
}

function addSlope({ all, sequence, h, arithmetic }: RowTask, dSlope: number): void {
  const slopes = all.dAlibiSlopes;
  if (!slopes) return;
  const at = slopeIndex(slopes, sequence, h);
  slopes.data[at] = arithmetic.round(slopes.data[at]! + arithmetic.round(dSlope));
}
