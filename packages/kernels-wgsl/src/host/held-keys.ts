import { wgsl } from '@heed/core/kernel';
import type { MaskHook } from '../text/parts/hook.ts';
import type { BoundHook } from './options/attention-option.ts';
import { UNBOUNDED } from './options/visible-band.ts';

/**
 * Mask of the keys that a windowed cache holds for a query: the keys of its window, and the first (sink) keys. A released
 * key reads as zeros. Positions are those of the cache, whatever `align` says: the last query is aligned with the last key.
 */
const held: MaskHook = {
  kind: 'mask',
  name: 'held',
  params: [
    { name: 'held_left', type: 'i32' },
    { name: 'held_first', type: 'i32' },
  ],
  hasRange: false,
  wgsl: wgsl`
    // The first key in the window of a query.
    fn held_from(query: i32, q_len: i32, k_len: i32) -> i32 {
      return query - diagonal(q_len, k_len) + k_len - q_len - params.held_left;
    }

    fn visible_held(row: Row, key: i32) -> bool {
      return (key >= held_from(row.query, row.q_len, row.k_len)) | (key < params.held_first);
    }

    fn class_held(span: Span) -> u32 {
      let from_first = held_from(span.query_first, span.q_len, span.k_len);
      let from_last = held_from(span.query_last, span.q_len, span.k_len);
      if (span.key_last < from_first && span.key_first >= params.held_first) {
        return EMPTY;
      }
      if (span.key_first >= from_last || span.key_last < params.held_first) {
        return FULL;
      }
      return PARTIAL;
    }
  `,
};

/** Returns the mask of a cache with these options. */
export function boundHeld(width: number, sinkTokens: number): BoundHook {
  const values = {
    held_left: Math.min(width, UNBOUNDED),
    held_first: Math.min(sinkTokens, UNBOUNDED),
  };
  return { hook: held, tables: [], values: () => values };
}
