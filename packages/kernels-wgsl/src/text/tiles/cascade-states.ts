import type { ForwardConfig } from './kernel-config.ts';

/**
 * Declares `state<r>`, which starts empty or, in a suffix pass, with what row r has of the shared keys.
 * @param column the thread's place among those that share a row, each of which sums its own keys
 * @param columns the number of those threads, if a prefix pass of this tile leaves as many sums
 */
export function takeSum(
  { cascade }: Pick<ForwardConfig, 'cascade'>,
  r: number | '',
  column: string,
  columns: number,
): string {
  if (cascade?.pass !== 'suffix') return `var state${r} = softmax_init();`;
  return [
    `let kept_at${r} = state_at(row${r}, work.split);`,
    `var state${r} = take_sum(work.seq, kept_at${r}, ${column}, ${columns}u);`,
  ].join('\n');
}

/** Returns elements d to d + 3 of the accumulator that row r has of the shared keys. */
export const takeValues = (r: number | '', d: string): string =>
  `take_values(work.seq, kept_at${r}, ${d})`;
