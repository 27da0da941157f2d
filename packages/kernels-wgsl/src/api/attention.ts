import type { DType, Tensor } from '@heed/core';
import { readOptions } from '@heed/core/kernel';
import { runCall } from '../run/call.ts';
import { denseCall } from './dense-call.ts';
import { meantDense } from './meant.ts';
import { attentionNames } from './option-names.ts';
import type { AttentionOptions, AttentionResult } from './options.ts';

/**
 * Exact attention over dense tensors: softmax(scale·q·kᵀ)·v with the variations of {@link AttentionOptions}.
 *
 * @param q [B, Hq, Lq, Dqk], f32 or f16, any strides (pass `x.permute([0, 2, 1, 3])` for [B, L, H, D] memory)
 * @param k [B or 1, Hkv, Lk, Dqk]; Hq is a multiple of Hkv, query head h uses kv head floor(h / (Hq / Hkv))
 * @param v [B or 1, Hkv, Lk, Dv]
 * @returns out [B, Hq, Lq, Dv] in the dtype of q. A row that sees no key is 0, and its lse −∞ (or its sink).
 * @throws ValidationError a shape, dtype or option that does not fit
 * @throws UnsupportedError what this device cannot do
 * @throws LimitError a tensor larger than one binding
 * @throws DisposedError @throws DeviceLostError
 * @example
 * const { out, lse } = attention(q, k, v, { causal: true, returnLse: true });
 */
export function attention<D extends DType, Lse extends boolean = false>(
  q: Tensor<D>,
  k: Tensor,
  v: Tensor,
  options?: AttentionOptions<Lse>,
): AttentionResult<D, Lse> {
  const fn = 'attention';
  const given = readOptions<AttentionOptions>(fn, options, attentionNames, meantDense);
  return runCall(denseCall(fn, q, k, v, given)) as AttentionResult<D, Lse>;
}
