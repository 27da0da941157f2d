import type { Tensor } from '@heed/core';
import { type AttentionOption, flagOption } from './attention-option.ts';

export interface ResultOption<Lse extends boolean = boolean> {
  /** Also return the log-sum-exp. */
  readonly returnLse?: Lse;
  /** Also return the largest score of each row's visible keys, sinks left out. It has no gradient. */
  readonly returnMax?: boolean;
  /** Written and returned; its buffer may hold no input. */
  readonly out?: Tensor;
}

export const returnLse: AttentionOption<boolean> = { ...flagOption, isResult: true };

export const returnMax: AttentionOption<boolean> = { ...flagOption, isResult: true };

/** The layout checks it against the shape of its result. */
export const out: AttentionOption<Tensor> = { isResult: true };
