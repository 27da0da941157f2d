import type { Tensor } from '@heed/core';
import { assertUsable, checkTensor, floatTypes } from '@heed/core/kernel';
import type { Call } from '../host/attention-call.ts';
import type { AttentionOptions } from '../host/attention-options.ts';
import { hooksOfCall } from '../host/attention-options.ts';
import { checkOptions } from '../host/attention-options.ts';
import { type BoundHook } from '../host/options/attention-option.ts';
import { hooksBeside, selectedOf } from '../host/options/selected-keys.ts';
import type { FloatType } from '../text/parts/kinds.ts';
import { checkLengths, checkUsed } from './check-lengths.ts';
import { checkHeads, checkKeyValue, checkKvBatch, checkLengthLimit } from './check-operands.ts';
import { checkOut } from './check-out.ts';

/** Checks a call over [B, H, L, D] tensors, before any GPU work. `given` replaces the hooks made from the options. */
export function denseCall(
  fn: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions,
  given?: readonly BoundHook[],
): Call {
  const floats = { rank: 4, dtype: floatTypes };
  checkTensor(fn, 'q', q, floats);
  const { gpu } = q;
  assertUsable(gpu);
  checkTensor(fn, 'k', k, { ...floats, gpu });
  checkTensor(fn, 'v', v, { ...floats, gpu });
  checkKeyValue(fn, k, v);
  checkHeads(fn, { q, k, v }, 1);
  checkKvBatch(fn, q, k);

  const [batch, qHeads, seqlenQ, headDim] = q.shape as [number, number, number, number];
  const [, kvHeads, seqlenK] = k.shape as [number, number, number, number];
  checkLengthLimit(fn, 'the query length', seqlenQ);
  checkLengthLimit(fn, 'the key length', seqlenK);
  const context = { fn, gpu, lengths: 'dense', batch, qHeads, kvHeads, seqlenQ } as const;
  checkOptions(context, options);
  const selected = selectedOf(context, options);
  const hooks = hooksBeside(selected, hooksOfCall(options, given));
  const { seqUsedK } = options;
  if (seqUsedK !== undefined) {
    checkLengths(fn, gpu, 'seqUsedK', seqUsedK, [batch]);
    checkUsed(fn, seqUsedK, () => seqlenK);
  }
  const headDimV = v.shape[3]!;
  if (options.out !== undefined) {
    const shape = [batch, qHeads, seqlenQ, headDimV];
    checkOut({ fn, gpu }, options.out, shape, { q, k, v, options, hooks });
  }
  return {
    fn,
    gpu,
    q,
    k,
    v,
    dtype: q.dtype as FloatType,
    kvDtype: k.dtype as FloatType,
    headDim,
    headDimV,
    qHeads,
    kvHeads,
    lengths: 'dense',
    keys: 'strided',
    batch,
    seqlenQ,
    seqlenK,
    maxSeqlenK: seqlenK,
    pageSize: 1,
    pages: 0,
    maxPages: 0,
    given: seqUsedK === undefined ? {} : { used: seqUsedK },
    hooks,
    options,
    selected,
  };
}
