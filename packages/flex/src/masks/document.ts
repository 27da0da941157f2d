import type { Tensor } from '@heed/core';
import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * A query sees the keys of its own document, where several documents are packed into one row. Combine it with {@link causal}
 * for a decoder.
 *
 *     id [0, 0, 1, 1, 1]:  ██░░░
 *                          ██░░░
 *                          ░░███
 *                          ░░███
 *                          ░░███
 *
 * Ids need not be sorted, but blocks are skipped only where the ids of the queries and of the keys do not overlap. If the rows
 * of a batch are packed differently, `id` is [B, L], and the mask is `(b, h, q, kv, { id }) => id[b][q] === id[b][kv]`.
 * Documents given by their lengths need no mask: use `varlenAttention`.
 *
 * - `id`: [L] i32, the document of each position, of queries and keys alike
 *
 * Source: `attn_gym/masks/document_mask.py`.
 *
 * @example
 * const id = gpu.tensor([0, 0, 1, 1, 1], { shape: [5], dtype: 'i32' });
 * flexAttention(q, k, v, { maskMod: andMasks(causal, bind(document, { id })) });
 */
export const document: MaskMod<{ id: Tensor }> = (b, h, q, kv, { id }) => id[q] === id[kv];
