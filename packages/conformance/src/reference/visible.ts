import type { ReferenceOptions } from './problem.ts';

/** Keys first…end−1 of one query row, and the row's logical position. */
export interface Visible {
  readonly position: number;
  readonly first: number;
  readonly end: number;
}

/**
 * The keys that lengths, causal and window leave to query row `i`. The diagonal is tied to the end
 * (off = Lk − Lq) or to the start (off = 0); both window bounds are inclusive, −1 is unbounded.
 */
export function visibleKeys(
  options: ReferenceOptions,
  i: number,
  qLen: number,
  kvLen: number,
): Visible {
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
