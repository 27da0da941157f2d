import type { PagedKvView, Tensor } from '@heed/core';
import { checkTensor, fail, formatShape, show } from '@heed/core/kernel';
import type { AttentionOptions, VarlenLayout } from '../host/attention-options.ts';
import type { BoundHook } from '../host/options/attention-option.ts';
import type { WeightsCall } from '../host/pair-weights.ts';
import { keyCall } from './key-call.ts';

/** What weights are computed from besides the options of attention. */
export interface LseOption {
  /** f32, natural log, sinks included: the `lse` of a call with the same options. Computed if it is left out. */
  readonly lse?: Tensor;
}

/** The query rows whose weights are returned. */
export interface RowsOption {
  /** The first query row and one past the last, packed rows for packed queries; default all. */
  readonly rows?: readonly [start: number, end: number];
}

/** The options of attention that change nothing here, so that the options of another call can be passed whole. */
const ignoredNames = ['out', 'numSplits', 'returnLse', 'returnMax', 'dropout'] as const;

type Ignored = (typeof ignoredNames)[number];

/** Returns the options that count. */
export function withoutIgnored<O extends object>(options: O): Omit<O, Ignored> {
  const ignored: readonly string[] = ignoredNames;
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => !ignored.includes(name)),
  ) as Omit<O, Ignored>;
}

/**
 * Checks a call of `attentionWeights` or `keyMass`, before any GPU work.
 * @param given hooks of a variant, in place of those made from the options
 */
export function weightsCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  { lse, rows, ...options }: AttentionOptions & Partial<VarlenLayout> & LseOption & RowsOption,
  given?: readonly BoundHook[],
): WeightsCall {
  const call = keyCall(fn, q, k, options, given);
  const { gpu, lengths, batch, qHeads, seqlenQ } = call;
  if (lse !== undefined) {
    const shape = lengths === 'dense' ? [batch, qHeads, seqlenQ] : [qHeads, seqlenQ];
    checkTensor(fn, 'lse', lse, { rank: shape.length, dtype: ['f32'], gpu });
    if (lse.shape.some((n, axis) => n !== shape[axis])) {
      const fix = 'Pass the lse of a call with the same q, k and options.';
      fail(fn, `lse must be ${formatShape(shape)}`, formatShape(lse.shape), fix);
    }
  }
  return { call, lse, rows: checkedRows(fn, rows, seqlenQ) };
}

function checkedRows(
  fn: string,
  rows: RowsOption['rows'] | undefined,
  most: number,
): WeightsCall['rows'] {
  if (rows === undefined) return [0, most];
  const [start, end] = Array.isArray(rows) && rows.length === 2 ? rows : [NaN, NaN];
  const isRow = (n: number): boolean => Number.isInteger(n) && n >= 0 && n <= most;
  if (isRow(start) && isRow(end) && start <= end) return [start, end];
  const rule = `rows must be [start, end] with 0 ≤ start ≤ end ≤ ${most}`;
  return fail(fn, rule, show(rows), 'Leave it out for all rows.');
}
