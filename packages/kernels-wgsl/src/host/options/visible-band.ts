import { fail, show, wgsl } from '@heed/core/kernel';
import type { MaskHook } from '../../text/parts/hook.ts';
import { type AttentionOption, type BoundHook, flagOption } from './attention-option.ts';

export interface BandOption {
  /** Row i sees keys j ≤ i + off; for `off` see `align`. */
  readonly causal?: boolean;
  /**
   * Keys from i + off − left to i + off + right, inclusive; −1 is unbounded. Combines with `causal`. Hugging Face's
   * `sliding_window: W` counts the query's own key: it is `[W − 1, 0]`.
   */
  readonly window?: readonly [left: number, right: number];
  /** Which corner the diagonal is tied to: 'end' (default) has off = Lk − Lq, as in flash-attention since 2.1; 'start' has off = 0. */
  readonly align?: 'start' | 'end';
}

export const causal: AttentionOption<boolean> = { ...flagOption, isVariant: true };

// Only the window has a sample: of these options, only it changes a kernel's time.
const SAMPLE_WINDOW = 256;

export const window: AttentionOption<readonly [number, number]> = {
  check: (value, _, { fn }) => {
    const isSide = (x: unknown): boolean => Number.isInteger(x) && (x as number) >= -1;
    if (Array.isArray(value) && value.length === 2 && value.every(isSide)) return;
    const rule = 'window must be [left, right], integers ≥ −1';
    fail(fn, rule, show(value), 'Use −1 for an unbounded side.');
  },
  sample: ({ causal: isCausal }) => [SAMPLE_WINDOW, isCausal ? -1 : SAMPLE_WINDOW],
  isVariant: true,
};

export const align: AttentionOption<'start' | 'end'> = {
  check: (value, _, { fn }) => {
    if (value === 'start' || value === 'end') return;
    const fix = "Leave it out for 'end', the diagonal of cached decode.";
    fail(fn, "align must be 'start' or 'end'", show(value), fix);
  },
};

/** Returns the mask of causal, window and align. Every attention without mods has it. */
export function boundBand({
  causal: isCausal = false,
  window: sides = [-1, -1],
}: BandOption): BoundHook {
  const values = { ...bandValues(isCausal, sides) };
  return { hook: band, tables: [], values: () => values };
}

/** The value of an unbounded side. Sums of two such values and any length still fit an i32. */
export const UNBOUNDED: number = 2 ** 29;

/** Bounds of the visible keys: from query − left to query + right. */
export interface BandValues {
  readonly band_left: number;
  readonly band_right: number;
}

/**
 * The diagonal band. Causal attention, sliding windows and plain attention differ only in its values, so none needs its own
 * kernel.
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

/** Returns the band of `causal` and `window` together; −1 in a window means unbounded. */
export function bandValues(isCausal: boolean, sides: readonly [number, number]): BandValues {
  const [left, right] = sides.map((side) => (side < 0 ? UNBOUNDED : Math.min(side, UNBOUNDED)));
  return { band_left: left!, band_right: isCausal ? 0 : right! };
}
