import type { PagedKvView, Tensor } from '@heed/core';
import { checkTensor, type NamesOf, readOptions } from '@heed/core/kernel';
import {
  keySums,
  type LseOption,
  rowWeights,
  type RowsOption,
  weightsCall,
  withoutIgnored,
} from '@heed/kernels-wgsl/variant';
import { checkBlockMask } from '../host/block-mask-hook.ts';
import type { Captures, NeedsCaptures } from '../text/compile/mod-types.ts';
import { checkFlexOptions, flexHooks } from './flex-call.ts';
import { type AnyFlexOptions, flexNames, type FlexOptions, meantFlex } from './flex-options.ts';

/** Options of {@link keyMass}: those of a call of flexAttention, whole. */
export interface FlexKeyMassOptions<C extends Captures = never> extends FlexOptions<C>, LseOption {}

/** Options of {@link attentionWeights}: those of a call of flexAttention, whole, and the rows to look at. */
export interface FlexWeightsOptions<C extends Captures = never>
  extends FlexKeyMassOptions<C>, RowsOption {}

type AnyWeightsOptions = AnyFlexOptions & LseOption & RowsOption;

export const flexKeyMassNames: NamesOf<AnyFlexOptions & LseOption> = { ...flexNames, lse: 1 };

export const flexWeightsNames: NamesOf<AnyWeightsOptions> = { ...flexKeyMassNames, rows: 1 };

/**
 * Returns the weights of `flexAttention`, exp(score − lse), with your own score and mask functions: what each query row takes of each
 * key. See `attentionWeights` of @heed/kernels-wgsl. `out`, `numSplits`, `returnLse`, `returnMax` and `dropout` change nothing.
 *
 * @param q [B, Hq, Lq, D], or packed [Tq, Hq, D] with `cuSeqlensQ`; f32, f16 or bf16, any strides
 * @param k [B or 1, Hkv, Lk, D], packed [Tk, Hkv, D], or with a blockTable [pages, pageSize, Hkv, D], which may be quantised
 * @param options those of the call whose weights they are; `rows`: [start, end], default all; `lse`: that call's, else it is computed
 * @returns f32 [B, Hq, rows, Lk], or for packed queries [Hq, rows, C]: column j is key j of the row's own sequence
 * @throws CompileError a mod is not in the language
 * @throws ValidationError a shape, dtype, option or capture does not fit
 * @throws LimitError a result larger than one binding; the message says how many rows fit
 * @throws DisposedError @throws DeviceLostError
 * @example
 * const weights = attentionWeights(q, k, { maskMod: causal, rows: [4, 8] });
 */
export function attentionWeights<C extends Captures = {}>(
  q: Tensor,
  k: Tensor,
  options: FlexWeightsOptions<C> & NeedsCaptures<C>,
): Tensor<'f32'>;
/** Returns the weights over a snapshot of a paged cache. */
export function attentionWeights<C extends Captures = {}>(
  q: Tensor,
  view: PagedKvView,
  options?: FlexWeightsOptions<C> & NeedsCaptures<C>,
): Tensor<'f32'>;
export function attentionWeights(
  q: Tensor,
  k: Tensor | PagedKvView,
  options?: AnyWeightsOptions,
): Tensor<'f32'> {
  return rowWeights(flexWeightsCall('attentionWeights', q, k, options, flexWeightsNames));
}

/**
 * Returns how much attention each key gets with your own score and mask functions: its weights, summed over the query rows in
 * ascending order. See `keyMass` of @heed/kernels-wgsl.
 *
 * @param q @param k @param options as in {@link attentionWeights}, without `rows`
 * @returns f32 [B, Hq, Lk], or [N, Hq, C] for N packed sequences; 0 for keys beyond a length
 * @throws as {@link attentionWeights}
 * @example
 * const mass = keyMass(q, k, { maskMod: causal });
 */
export function keyMass<C extends Captures = {}>(
  q: Tensor,
  k: Tensor,
  options: FlexKeyMassOptions<C> & NeedsCaptures<C>,
): Tensor<'f32'>;
/** Returns how much attention each key of a snapshot of a paged cache gets. */
export function keyMass<C extends Captures = {}>(
  q: Tensor,
  view: PagedKvView,
  options?: FlexKeyMassOptions<C> & NeedsCaptures<C>,
): Tensor<'f32'>;
export function keyMass(
  q: Tensor,
  k: Tensor | PagedKvView,
  options?: AnyFlexOptions & LseOption,
): Tensor<'f32'> {
  return keySums(flexWeightsCall('keyMass', q, k, options, flexKeyMassNames));
}

/** Checks a call of any layout, and compiles its mods if they are not compiled yet. */
function flexWeightsCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  options: AnyWeightsOptions | undefined,
  names: NamesOf<AnyFlexOptions & LseOption>,
): ReturnType<typeof weightsCall> {
  const given = withoutIgnored(
    readOptions<AnyWeightsOptions>(fn, options, names as never, meantFlex),
  );
  checkFlexOptions(fn, given);
  const { gpu } = checkTensor(fn, 'q', q, { rank: [3, 4] });
  const checked = weightsCall(fn, q, k, given, flexHooks(fn, gpu, given));
  if (given.blockMask) checkBlockMask(checked.call, given.blockMask);
  return checked;
}
