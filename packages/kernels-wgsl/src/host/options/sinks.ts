import type { Tensor } from '@heed/core';
import { checkTensor, fail, formatShape } from '@heed/core/kernel';
import { type AttentionOption, perQueryHead } from './attention-option.ts';

export interface SinksOption {
  /** f32 [Hq]: an extra logit in each row's denominator, with no value; −∞ is none. */
  readonly sinks?: Tensor;
}

export const sinks: AttentionOption<Tensor> = {
  check: (value, _, { fn, gpu, qHeads }) => {
    checkTensor(fn, 'sinks', value, { rank: 1, dtype: ['f32'], gpu });
    if (value.shape[0] === qHeads) return;
    fail(fn, `sinks must be [${qHeads}]`, formatShape(value.shape), perQueryHead);
  },
  sample: ({ qHeads }, make) => make('sinks', [qHeads], 'f32'),
};
