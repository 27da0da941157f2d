import type { NdArray } from './nd-array.ts';
import { type Arithmetic, float64 } from './number-types.ts';
import type { ReferenceOptions, ReferenceProblem } from './reference-problem.ts';
import { selectedOf } from './selected-lists.ts';
import { headsOf, type Sequence } from './sequences.ts';

/** The keys of one query row, in the order in which they are summed, and the logical position of the row. */
interface RowKeys {
  readonly position: number;
  readonly keys: readonly number[];
}

/**
 * Returns the keys that lengths, causal and window leave to row `i` of head `h`: those that its list of selected keys names, in the
 * order of the list, or all of them in ascending order.
 */
export function keysOfRow(
  problem: ReferenceProblem,
  sequence: Sequence,
  h: number,
  i: number,
): RowKeys {
  const { position, first, end } = visibleKeys(problem.options, i, sequence.qLen, sequence.kvLen);
  const selected = selectedOf(problem, sequence, h, i);
  const keys = selected
    ? selected.filter((j) => j >= first && j < end)
    : Array.from({ length: end - first }, (_, n) => first + n);
  return { position, keys };
}

/**
 * Returns the keys first…end−1 that lengths, causal and window leave. The diagonal is aligned to the end (off = Lk − Lq) or to the
 * start (off = 0). Both limits of a window are inclusive; −1 is unlimited.
 */
export function visibleKeys(
  options: ReferenceOptions,
  i: number,
  qLen: number,
  kvLen: number,
): { readonly position: number; readonly first: number; readonly end: number } {
  const position = options.align === 'start' ? i : i + kvLen - qLen;
  const [left, right] = options.window ?? [-1, -1];
  const last = Math.min(
    kvLen - 1,
    options.causal ? position : Infinity,
    right < 0 ? Infinity : position + right,
  );
  const first = left < 0 ? 0 : Math.max(0, position - left);
  return { position, first, end: Math.max(first, last + 1) };
}

/** A score at or below this counts as masked, as −Infinity from a scoreMod does. */
const maskedScore = -1e30;

/** Returns the final score of a pair, or −Infinity if the pair is masked. */
export type ScoreFunction = (dot: number, i: number, j: number, position: number) => number;

/** Builds the score pipeline of one head of one sequence: scale → softcap → ALiBi → scoreMod → maskMod. */
export function scoreFunction(
  problem: ReferenceProblem,
  sequence: Sequence,
  h: number,
  arithmetic: Arithmetic,
): ScoreFunction {
  const { scoreMod, maskMod, alibiSlopes } = problem.options;
  const softcap = ofHead(problem.options.softcap, h);
  const { round } = arithmetic;
  const scale = round(scaleOf(problem, h));
  const slope = alibiSlopes?.data[slopeIndex(alibiSlopes, sequence, h)] ?? 0;
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
    // NaN is masked too.
    if (!(score > maskedScore)) return -Infinity;
    return maskMod?.(sequence.index, h, position, j, info) === false ? -Infinity : score;
  };
}

/** Returns a head's number, if there is one: an array has one for all heads, or one each. */
function ofHead(given: number | NdArray | undefined, h: number): number | undefined {
  return typeof given === 'object' ? given.data[headIndex(given, h)] : given;
}

const scaleOf = (problem: ReferenceProblem, h: number): number =>
  ofHead(problem.options.scale, h) ?? 1 / Math.sqrt(headsOf(problem).qk);

/** Returns the index of a head's number in an array of [] or [Hq]. */
export function headIndex({ shape }: NdArray, h: number): number {
  return shape.length === 0 ? 0 : h;
}

/** Returns the index of a head's ALiBi slope in slopes of [Hq] or [B, Hq]. */
export function slopeIndex({ shape }: NdArray, { index }: Sequence, h: number): number {
  return shape.length === 2 ? index * shape[1]! + h : h;
}

/** One pair of a query and a key, and their dot product. */
interface Pair {
  readonly problem: ReferenceProblem;
  readonly sequence: Sequence;
  readonly h: number;
  readonly product: number;
  readonly i: number;
  readonly j: number;
  readonly position: number;
}

/** Returns d(final score) / d(q·k). */
export function scoreDerivative(pair: Pair): number {
  const { problem, product, h } = pair;
  const { softcap, scoreMod } = problem.options;
  if (softcap === undefined && scoreMod === undefined) return scaleOf(problem, h);
  const step = 1e-5 * Math.max(1, Math.abs(product));
  return difference(step, (by) => finalScore({ ...pair, product: product + by }));
}

/** Returns d(final score) / d(ALiBi slope): the negative distance, times the derivative of the scoreMod. */
export function slopeDerivative(pair: Pair): number {
  const { problem, j, position } = pair;
  const { alibiSlopes, scoreMod } = problem.options;
  if (alibiSlopes === undefined) return 0;
  if (scoreMod === undefined) return -Math.abs(position - j);
  return optionDerivative('alibiSlopes', pair);
}

/** Returns d(final score) / d(an option of the pair's head), numerically; 0 if the option is no array. */
export function optionDerivative(name: 'scale' | 'softcap' | 'alibiSlopes', pair: Pair): number {
  const { problem } = pair;
  const { options } = problem;
  const given = options[name];
  if (typeof given !== 'object') return 0;
  return difference(1e-5, (by) => {
    const data = Float64Array.from(given.data, (x) => x + by);
    const moved = { ...options, [name]: { shape: given.shape, data } };
    return finalScore({ ...pair, problem: { ...problem, options: moved } });
  });
}

function finalScore({ problem, sequence, h, product, i, j, position }: Pair): number {
  return scoreFunction(problem, sequence, h, float64)(product, i, j, position);
}

function difference(step: number, value: (by: number) => number): number {
  return (value(step) - value(-step)) / (2 * step);
}
