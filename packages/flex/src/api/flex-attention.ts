import type { DType, PagedKvView, Tensor } from '@heed/core';
import type { AttentionResult } from '@heed/kernels-wgsl';
import { runCall } from '@heed/kernels-wgsl/variant';
import type { Captures, NeedsCaptures } from '../text/compile/mod-types.ts';
import { type FlexArguments, flexCall } from './flex-call.ts';
import type { FlexOptions } from './flex-options.ts';

/**
 * Computes exact attention with your own score and mask function fused into the kernel, like torch's flex_attention, over
 * dense, packed and paged keys. The functions are ordinary TypeScript. They see logical positions, so a causal mask written
 * once works for prefill and cached decode.
 *
 * @param q [B, Hq, Lq, Dqk], or packed [Tq, Hq, Dqk] with `cuSeqlensQ`; f32, f16 or bf16
 * @param k [B or 1, Hkv, Lk, Dqk], packed [Tk, Hkv, Dqk], or with a blockTable [pages, pageSize, Hkv, Dqk], which may be
 *   quantised: see `format` of VarlenLayout
 * @param v as k, with Dv
 * @returns out like q, with Dv; lse f32 [B, Hq, Lq] or [Hq, Tq]. A row that sees no key is 0, and its lse is −∞ (or its sink).
 * @throws CompileError a mod is not in the language; the message shows the place in its source and the remedy
 * @throws ValidationError a shape, dtype, option or capture does not fit
 * @throws UnsupportedError this device cannot do it
 * @throws LimitError a tensor is larger than one binding
 * @throws DisposedError @throws DeviceLostError
 * @example
 * const { out } = flexAttention(q, k, v, { scoreMod: (score, b, h, q, kv) => score + (q - kv) });
 */
export function flexAttention<
  C extends Captures = {},
  D extends DType = DType,
  Lse extends boolean = false,
>(
  q: Tensor<D>,
  k: Tensor,
  v: Tensor,
  options: FlexOptions<C, Lse> & NeedsCaptures<C>,
): AttentionResult<D, Lse>;
/**
 * Computes attention over a snapshot of a paged cache. The view provides `cuSeqlensQ`, the rows of the last append, unless one
 * is given, and the window and sink tokens of its cache: keys that the cache has released are hidden, whatever the masks show.
 */
export function flexAttention<
  C extends Captures = {},
  D extends DType = DType,
  Lse extends boolean = false,
>(
  q: Tensor<D>,
  view: PagedKvView,
  options?: FlexOptions<C, Lse> & NeedsCaptures<C>,
): AttentionResult<D, Lse>;
export function flexAttention(...args: FlexArguments): AttentionResult {
  return runCall(flexCall('flexAttention', args));
}
