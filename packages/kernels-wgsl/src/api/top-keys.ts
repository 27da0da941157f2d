import type { PagedKvView, Tensor } from '@heed/core';
import { type Meant, type NamesOf, optionsOf, readOptions } from '@heed/core/kernel';
import type { BandOption } from '../host/options/visible-band.ts';
import { runTopKeys } from '../host/key-lists.ts';
import { layoutNames, synonyms } from './attention-names.ts';
import { indexerCall, type IndexerOptions } from './indexer-call.ts';

/** Options of {@link topKeys}. With `cuSeqlensQ`, q and k are packed, as in `varlenAttention`. */
export interface TopKeysOptions extends IndexerOptions, BandOption {}

/** Options of every indexer. */
export const indexerNames: NamesOf<IndexerOptions> = {
  topK: 1,
  weights: 1,
  blockSize: 1,
  align: 1,
  ...layoutNames,
};

export const topKeysNames: NamesOf<TopKeysOptions> = { ...indexerNames, causal: 1, window: 1 };

/** What other libraries call the options of an indexer. */
export const indexerSynonyms: Readonly<Record<string, string>> = {
  ...synonyms,
  k: 'topK',
  indextopk: 'topK',
  numselected: 'topK',
  headweights: 'weights',
  indexweights: 'weights',
  selectedblocksize: 'blockSize',
};

const meantTopKeys: Meant = () => ({
  ...indexerSynonyms,
  ...optionsOf('topKeys() of @heed/flex', { scoreMod: 1, maskMod: 1, captures: 1 }),
  ...optionsOf('attention(), which takes the result as selectedKeys', {
    scale: 1,
    softcap: 1,
    sinks: 1,
    selectedKeys: 1,
  }),
});

/**
 * Lists the keys with the largest scores for every query row: the indexer of sparse attention (DeepSeek's lightning indexer), whose
 * result is the `selectedKeys` of attention. A key's score is Σ over heads of weight · relu(q·k), in f32 and without a scale. There
 * is no array of Lq × Lk: the scores of some rows at a time are kept, in at most 64 MiB.
 *
 * Entries are in ascending order of position. Of equal scores the lower position is taken, and NaN counts as −∞. Keys that lengths,
 * `causal` or `window` hide are never listed; a row with fewer visible keys ends with −1. With `blockSize` an entry names a block of
 * keys, whose score is the largest among its visible keys (max pooling, as MiniMax's MSA has it). Runs repeat to the bit on one
 * device; other adapters may round scores otherwise. There is no gradient.
 *
 * @param q [B, Hi, Lq, Di], or packed [Tq, Hi, Di] with `cuSeqlensQ`; f32, f16 or bf16, any strides
 * @param k [B or 1, 1, Lk, Di], packed [Tk, 1, Di], or with a blockTable [pages, pageSize, 1, Di]: one head, which all heads of q share
 * @returns i32 [B, 1, Lq, topK] or [Tq, 1, topK]: positions (or blocks) within the row's sequence
 * @throws ValidationError a shape, dtype or option that does not fit
 * @throws LimitError a result larger than one binding, or a row of more scores than 64 MiB hold
 * @throws DisposedError @throws DeviceLostError
 * @example
 * const keys = topKeys(q, k, { topK: 2048, causal: true });
 */
export function topKeys(q: Tensor, k: Tensor, options: TopKeysOptions): Tensor<'i32'>;
/**
 * Lists the keys of a snapshot of a paged cache, from its k. `cuSeqlensQ` defaults to the view's, and keys that the cache's window
 * has released are never listed.
 */
export function topKeys(q: Tensor, view: PagedKvView, options: TopKeysOptions): Tensor<'i32'>;
export function topKeys(
  q: Tensor,
  k: Tensor | PagedKvView,
  options: TopKeysOptions,
): Tensor<'i32'> {
  const fn = 'topKeys';
  const given = readOptions(fn, options, topKeysNames, meantTopKeys);
  return runTopKeys(indexerCall(fn, q, k, given));
}
