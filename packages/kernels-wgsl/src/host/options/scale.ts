import { fail, show } from '@heed/core/kernel';
import { type AttentionOption, isF32 } from './attention-option.ts';

export interface ScaleOption {
  /** Default 1/√Dqk. */
  readonly scale?: number;
}

export const scale: AttentionOption<number> = {
  check: (value, _, { fn }) => {
    if (isF32(value)) return;
    fail(fn, 'scale must be a finite number', show(value), 'Leave it out for 1/sqrt(Dqk).');
  },
};
