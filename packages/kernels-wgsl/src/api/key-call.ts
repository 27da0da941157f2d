import type { PagedKvView, Tensor } from '@heed/core';
import { checkTensor, fail, isPagedView } from '@heed/core/kernel';
import type { Call } from '../host/attention-call.ts';
import type { AttentionOptions, VarlenLayout, VarlenOptions } from '../host/attention-options.ts';
import type { BoundHook } from '../host/options/attention-option.ts';
import { layoutNames } from './attention-names.ts';
import { denseCall } from './dense-call.ts';
import { varlenCall } from './varlen-call.ts';
import { viewCall } from './view-call.ts';

/**
 * Checks a call that has keys and no values, in any layout: k takes the place of v in the checks that it shares with attention.
 * @param given hooks of a variant, in place of those made from the options
 */
export function keyCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  options: AttentionOptions & Partial<VarlenLayout>,
  given?: readonly BoundHook[],
): Call {
  checkTensor(fn, 'q', q, { rank: [3, 4] });
  if (isPagedView(k)) {
    const { blockTable, seqUsedK, cuSeqlensQ, maxSeqlenK, pageSize, format, headDim } = k;
    const held = { window: k.window, sinkTokens: k.sinkTokens } as Partial<PagedKvView>;
    const own = { blockTable, seqUsedK, maxSeqlenK, pageSize, format, headDim, headDimV: headDim };
    const view = { ...own, ...held, k: k.k, v: k.k, ...(cuSeqlensQ && { cuSeqlensQ }) };
    return viewCall(fn, q, view, { ...options, headDimV: undefined } as never, given);
  }
  if (q.shape.length === 4) {
    for (const name of Object.keys(layoutNames) as (keyof typeof layoutNames)[]) {
      if (options[name] === undefined || name === 'seqUsedK') continue;
      const fix = 'Pass packed q [Tq, H, D] and k [Tk, Hkv, D], or seqUsedK for padded ones.';
      fail(fn, `q must have rank 3 where there is ${name}`, 'rank 4', fix);
    }
    return denseCall(fn, q, k, k, options, given);
  }
  const all = { ...options, headDimV: options.headDim } as VarlenOptions;
  return varlenCall(fn, q, k, k, all, given);
}
