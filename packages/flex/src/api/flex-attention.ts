import type { DType, PagedKvView, Tensor } from '@heed/core';
import type { AttentionResult } from '@heed/kernels-wgsl';
import { runCall } from '@heed/kernels-wgsl/variant';
import type { Captures, NeedsCaptures } from '../text/compile/mod-types.ts';
import { type FlexArguments, flexCall } from './flex-call.ts';
import type { FlexOptions } from './flex-options.ts';

/**
 * Exact attention with a score and mask function of yours, fused into the kernel: torch's flex_attention, over dense,
 * packed and paged keys. The functions are ordinary TypeScript; they see logical positions, so a causal mask written once
 * serves prefill and cached decode.
 *
 * @param q [B, Hq, Lq, Dqk], or packed [Tq, Hq, Dqk] with `cuSeqlensQ`; f32 or f16
 * @param k [B or 1, Hkv, Lk, Dqk], packed [Tk, Hkv, Dqk], or with a blockTable [pages, pageSize, Hkv, Dqk], which may be
 *   quantised: see `format` of VarlenLayout
 * @param v as k, with Dv
 * @returns out as q, with Dv; lse f32 [B, Hq, Lq] or [Hq, Tq]. A row that sees no key is 0, and its lse −∞ (or its sink).
 * @throws CompileError a mod that is not in the language: the place in its source, and the remedy
 * @throws ValidationError a shape, dtype, option or capture that does not fit
 * @throws UnsupportedError what this device cannot do
 * @throws LimitError a tensor larger than one binding
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
 * Over a snapshot of a paged cache. The view brings `cuSeqlensQ`, the rows of the last append, unless one is given, and the window
 * and sink tokens of its cache: keys that it has let go are hidden, whatever the masks show.
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
