import { type AttentionOption, flagOption } from './attention-option.ts';

export interface CascadeOption {
  /**
   * Over a view whose sequences begin with the same pages, those keys are read once for all of them where that saves enough time;
   * false reads them once per sequence, for measuring. Other calls have nothing to share. With `numSplits: 1` bits are the same.
   */
  readonly cascade?: boolean;
}

export const cascade: AttentionOption<boolean> = flagOption;
