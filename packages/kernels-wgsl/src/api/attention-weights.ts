import type { PagedKvView, Tensor } from '@heed/core';
import { type NamesOf, readOptions } from '@heed/core/kernel';
import type { AttentionOptions, VarlenLayout } from '../host/attention-options.ts';
import { keySums, rowWeights } from '../host/pair-weights.ts';
import { meantHere, varlenNames } from './attention-names.ts';
import { type LseOption, type RowsOption, weightsCall, withoutIgnored } from './weights-call.ts';

/**
 * Options of {@link keyMass}: those of another call, whole. `out`, `numSplits`, `returnLse`, `returnMax` and `dropout` change nothing.
 * With `cuSeqlensQ`, q and k are packed, as in `varlenAttention`.
 */
export interface KeyMassOptions extends AttentionOptions, Partial<VarlenLayout>, LseOption {}

/** Options of {@link attentionWeights}: those of another call, whole, and the rows to look at. */
export interface AttentionWeightsOptions extends KeyMassOptions, RowsOption {}

export const keyMassNames: NamesOf<KeyMassOptions> = { ...varlenNames, lse: 1 };

export const weightsNames: NamesOf<AttentionWeightsOptions> = { ...keyMassNames, rows: 1 };

/**
 * Returns the weights of attention, exp(score − lse), for looking at them: what each query row takes of each key. Weights are those
 * before dropout; a hidden pair has 0, and with sinks a row sums to less than 1. Attention itself never stores them, so ask for a few
 * rows at a time. There is no gradient.
 *
 * @param q [B, Hq, Lq, D], or packed [Tq, Hq, D] with `cuSeqlensQ`; f32, f16 or bf16, any strides
 * @param k [B or 1, Hkv, Lk, D], packed [Tk, Hkv, D], or with a blockTable [pages, pageSize, Hkv, D], which may be quantised
 * @param options those of the call whose weights they are; `rows`: [start, end], default all; `lse`: that call's, else it is computed
 * @returns f32 [B, Hq, rows, Lk]. For packed queries [Hq, rows, C], where column j is key j of the row's own sequence, and C the
 *   capacity of the longest sequence that the host knows: of lists on the GPU, all key rows; of a block table, a whole row
 * @throws ValidationError a shape, dtype or option that does not fit
 * @throws LimitError a result larger than one binding; the message says how many rows fit
 * @throws DisposedError @throws DeviceLostError
 * @example
 * const { lse } = attention(q, k, v, { causal: true, returnLse: true });
 * const seen = attentionWeights(q, k, { causal: true, lse, rows: [4, 8] });
 */
export function attentionWeights(
  q: Tensor,
  k: Tensor,
  options?: AttentionWeightsOptions,
): Tensor<'f32'>;
/** Returns the weights over a snapshot of a paged cache. `cuSeqlensQ` defaults to the view's, and keys that the cache's window has released have 0. */
export function attentionWeights(
  q: Tensor,
  view: PagedKvView,
  options?: AttentionWeightsOptions,
): Tensor<'f32'>;
export function attentionWeights(
  q: Tensor,
  k: Tensor | PagedKvView,
  options?: AttentionWeightsOptions,
): Tensor<'f32'> {
  const fn = 'attentionWeights';
  const given = readOptions<AttentionWeightsOptions>(fn, options, weightsNames, meantHere);
  return rowWeights(weightsCall(fn, q, k, withoutIgnored(given)));
}

/**
 * Returns how much attention each key gets: its weights, exp(score − lse), summed over the query rows in ascending order, without
 * storing them. Keys that no row looks at are the first that a cache can let go (H2O, SnapKV). Runs repeat to the bit. There is no
 * gradient.
 *
 * @param q @param k as in {@link attentionWeights}
 * @param options those of the call whose weights they are; `lse`: that call's, else it is computed
 * @returns f32 [B, Hq, Lk], or [N, Hq, C] for N packed sequences; 0 for keys beyond a length
 * @throws as {@link attentionWeights}
 * @example
 * const mass = keyMass(q, k, { causal: true }); // [B, Hq, Lk]; the sum over its keys is Lq
 */
export function keyMass(q: Tensor, k: Tensor, options?: KeyMassOptions): Tensor<'f32'>;
/** Returns how much attention each key of a snapshot of a paged cache gets. */
export function keyMass(q: Tensor, view: PagedKvView, options?: KeyMassOptions): Tensor<'f32'>;
export function keyMass(
  q: Tensor,
  k: Tensor | PagedKvView,
  options?: KeyMassOptions,
): Tensor<'f32'> {
  const fn = 'keyMass';
  const given = readOptions<KeyMassOptions>(fn, options, keyMassNames, meantHere);
  return keySums(weightsCall(fn, q, k, withoutIgnored(given)));
}
