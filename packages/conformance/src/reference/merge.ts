import { type Arithmetic, float32, float64 } from './arithmetic.ts';
import { filled, type NdArray, sizeOf } from './nd-array.ts';
import type { AttentionState } from './problem.ts';

/**
 * Folds attention states over disjoint key sets into the state over their union, pairwise, in order:
 * weights exp(lse − lseMerged); (−∞, −∞) merges to (0, −∞). Works on [B, H, L, D] with lse [B, H, L]
 * and on [T, H, D] with lse [H, T].
 */
export function referenceMerge(states: readonly AttentionState[]): AttentionState {
  return mergeAll(states, float64);
}

/** The same fold with every operation rounded to float32. */
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
    const [la, lb] = [at(a.lse, row), at(b.lse, row)];
    const max = Math.max(la, lb);
    if (max === -Infinity) continue;
    const [wa, wb] = [round(Math.exp(round(la - max))), round(Math.exp(round(lb - max)))];
    const sum = round(wa + wb);
    lse.data[row] = round(max + round(Math.log(sum)));
    const base = outRow(a.lse.shape, row) * width;
    for (let d = base; d < base + width; d++) {
      out.data[d] = round(
        round(round(wa / sum) * at(a.out, d)) + round(round(wb / sum) * at(b.out, d)),
      );
    }
  }
  return { out, lse };
}

/** Row of `out` that a flat lse index belongs to: the same for dense; [H, T] → [T, H] for packed. */
function outRow(lseShape: readonly number[], row: number): number {
  if (lseShape.length === 3) return row;
  const [heads = 0, tokens = 0] = lseShape;
  return (row % tokens) * heads + Math.floor(row / tokens);
}

function at(array: NdArray, index: number): number {
  const value = array.data[index];
  if (value === undefined)
    throw new RangeError(
      `referenceMerge: state of ${sizeOf(array.shape)} elements read at ${index}`,
    );
  return value;
}
