import type { Call } from '../../api/call.ts';

/** Whether several sequences may own a key, whose gradient is then a sum over them: pages, or K/V of batch 1 beside more queries. */
export function areShared(
  { keys, lengths, batch }: Pick<Call, 'keys' | 'lengths' | 'batch'>,
  k: readonly number[],
): boolean {
  return keys === 'paged' || (lengths === 'dense' && k[0] === 1 && batch > 1);
}
