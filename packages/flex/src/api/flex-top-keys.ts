import type { PagedKvView, Tensor } from '@heed/core';
import { checkTensor, type Meant, type NamesOf, optionsOf, readOptions } from '@heed/core/kernel';
import {
  indexerCall,
  indexerNames,
  type IndexerOptions,
  indexerSynonyms,
  runTopKeys,
} from '@heed/kernels-wgsl/variant';
import type { PrecompiledMod } from '../text/compile/precompiled.ts';
import type { Captures, MaskMod, NeedsCaptures, ScoreMod } from '../text/compile/mod-types.ts';
import { checkFlexOptions, flexHooks } from './flex-call.ts';
import { meantFlex } from './flex-options.ts';

/** Options of {@link topKeys}. With `cuSeqlensQ`, q and k are packed, as in `varlenAttention`. */
export interface FlexTopKeysOptions<C extends Captures = never> extends IndexerOptions {
  /** Changes the dot product of a pair, in place of relu; −Infinity hides the pair. `h` is the head of q. */
  readonly scoreMod?: ScoreMod<C> | PrecompiledMod;
  /** Returns whether a pair is visible. Key tiles that its bounds prove hidden are not computed. */
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  /** Values that the mods read, as in `flexAttention`. */
  readonly captures?: C;
}

/** Options whose captures have any types. */
interface AnyTopKeysOptions extends Omit<FlexTopKeysOptions, 'captures'> {
  readonly captures?: Captures;
}

export const flexTopKeysNames: NamesOf<AnyTopKeysOptions> = {
  ...indexerNames,
  scoreMod: 1,
  maskMod: 1,
  captures: 'data',
};

const meantFlexTopKeys: Meant = () => ({
  ...meantFlex(),
  ...indexerSynonyms,
  causal: 'Pass maskMod: causal from @heed/flex/masks, or call topKeys() of @heed/kernels-wgsl.',
  window:
    'Pass maskMod: bind(slidingWindow, { window }) from @heed/flex/masks, or call topKeys() of @heed/kernels-wgsl.',
  ...optionsOf('flexAttention(), which takes the result as selectedKeys', {
    scale: 1,
    blockMask: 1,
    sinks: 1,
    selectedKeys: 1,
  }),
});

/**
 * Lists the keys with the largest scores for every query row, as `topKeys` of @heed/kernels-wgsl does, with your own functions: a key's
 * score is Σ over heads of weight · scoreMod(q·k), without a scale, and relu if there is no scoreMod. The mods see logical
 * positions. A pair of a head and a key that the maskMod hides, or whose score is −Infinity or NaN, adds nothing; a key that is hidden
 * for every head is never listed.
 *
 * @param q [B, Hi, Lq, Di], or packed [Tq, Hi, Di] with `cuSeqlensQ`; f32, f16 or bf16, any strides
 * @param k [B or 1, 1, Lk, Di], packed [Tk, 1, Di], or with a blockTable [pages, pageSize, 1, Di]
 * @returns i32 [B, 1, Lq, topK] or [Tq, 1, topK]: positions (or blocks) within the row's sequence in ascending order, then −1
 * @throws CompileError a mod is not in the language
 * @throws ValidationError a shape, dtype, option or capture does not fit
 * @throws LimitError a result larger than one binding, or a row of more scores than 64 MiB hold
 * @throws DisposedError @throws DeviceLostError
 * @example
 * const sinks: ScoreMod = (score, b, h, q, kv) => (kv < 4 ? 1e9 : score); // the first keys are always listed
 * const keys = topKeys(q, k, { topK: 64, scoreMod: sinks, maskMod: causal });
 */
export function topKeys<C extends Captures = {}>(
  q: Tensor,
  k: Tensor,
  options: FlexTopKeysOptions<C> & NeedsCaptures<C>,
): Tensor<'i32'>;
/** Lists the keys of a snapshot of a paged cache, from its k. Keys that the cache has released are never listed. */
export function topKeys<C extends Captures = {}>(
  q: Tensor,
  view: PagedKvView,
  options: FlexTopKeysOptions<C> & NeedsCaptures<C>,
): Tensor<'i32'>;
export function topKeys(
  q: Tensor,
  k: Tensor | PagedKvView,
  options: AnyTopKeysOptions,
): Tensor<'i32'> {
  const fn = 'topKeys';
  const given = readOptions<AnyTopKeysOptions>(fn, options, flexTopKeysNames, meantFlexTopKeys);
  checkFlexOptions(fn, given);
  const { gpu } = checkTensor(fn, 'q', q, { rank: [3, 4] });
  return runTopKeys(indexerCall(fn, q, k, given, flexHooks(fn, gpu, given)));
}
