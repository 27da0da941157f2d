import { fail, show } from '@heed/core/kernel';
import type { AttentionOption } from './attention-option.ts';

export interface NumSplitsOption {
  /** Keys are split over this many workgroups and merged. Default 'auto'; a fixed number makes results batch-invariant bit for bit. */
  readonly numSplits?: number | 'auto';
}

// The combine pass reads the partial results of all splits of a row; more splits than this help on no device.
const MAX_SPLITS = 128;

export const numSplits: AttentionOption<number | 'auto'> = {
  check: (value, _, { fn }) => {
    if (value === 'auto' || (Number.isInteger(value) && value >= 1 && value <= MAX_SPLITS)) return;
    const rule = `numSplits must be 'auto' or an integer from 1 to ${MAX_SPLITS}`;
    fail(fn, rule, show(value), 'Use 1 for no split.');
  },
};
