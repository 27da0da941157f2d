import { wgsl } from '@heed/core/kernel';
import type { MaskHook } from '../parts/hook.ts';

/** Stands for an unbounded side. Sums of two such values and any length still fit an i32. */
export const UNBOUNDED: number = 2 ** 29;

/** The keys from query − left to query + right. */
export interface BandValues {
  readonly band_left: number;
  readonly band_right: number;
}

/**
 * The diagonal band: causal attention, sliding windows and plain attention are values of it, so none of them needs a
 * kernel of its own.
 */
export const band: MaskHook = {
  kind: 'mask',
  name: 'band',
  params: [
    { name: 'band_left', type: 'i32' },
    { name: 'band_right', type: 'i32' },
  ],
  hasRange: true,
  wgsl: wgsl`
    fn visible_band(row: Row, key: i32) -> bool {
      return (key >= row.query - params.band_left) & (key <= row.query + params.band_right);
    }

    fn class_band(span: Span) -> u32 {
      if (span.key_last < span.query_first - params.band_left || span.key_first > span.query_last + params.band_right) {
        return EMPTY;
      }
      if (span.key_first >= span.query_last - params.band_left && span.key_last <= span.query_first + params.band_right) {
        return FULL;
      }
      return PARTIAL;
    }

    fn range_band(span: Span) -> vec2<i32> {
      return vec2<i32>(span.query_first - params.band_left, span.query_last + params.band_right + 1);
    }
  `,
};

/** The band of `causal` and `window` together; −1 in a window means unbounded. */
export function bandValues(causal: boolean, window: readonly [number, number]): BandValues {
  const [left, right] = window.map((side) => (side < 0 ? UNBOUNDED : Math.min(side, UNBOUNDED)));
  return { band_left: left!, band_right: causal ? 0 : right! };
}
