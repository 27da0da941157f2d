import type { Tensor } from '@heed/core';
import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * A tree of drafted tokens after a prefix, as in speculative decoding: each node sees the prefix, its ancestors and itself.
 * Positions of the prefix are causal.
 *
 *     prefix 2, parents [−1, 0, 0, 1]:  █░░░░░
 *                                       ██░░░░
 *                                       ███░░░  node 0
 *                                       ████░░  node 1, child of 0
 *                                       ███░█░  node 2, child of 0
 *                                       ████░█  node 3, child of 1
 *
 * Parents come before their children. Bit m of a node's row is set for m = the node and for each of its ancestors: node 3 of
 * the picture has 0b1011. A row is its parent's row plus one bit.
 *
 * - `ancestors`: [nodes, ⌈nodes / 32⌉] i32 or u32, bit m mod 32 of word floor(m / 32) for node m
 * - `prefix`: how many positions precede the tree. Default: kvLen − qLen of each sequence, so that the queries are the tree,
 *   and one mask works for a batch whose cached lengths differ
 *
 * Source: SpecInfer (arXiv 2305.09781), Medusa (arXiv 2401.10774); `attn_gym/masks/jetspec.py`.
 *
 * @example
 * const ancestors = gpu.tensor([0b0001, 0b0011, 0b0101, 0b1011], { shape: [4, 1], dtype: 'i32' });
 * flexAttention(drafted, k, v, { maskMod: bind(tree, { ancestors }) });
 */
export const tree: MaskMod<{ ancestors: Tensor; prefix?: number }> = (b, h, q, kv, c, info) => {
  const prefix = c.prefix ?? info.kvLen - info.qLen;
  const node = kv - prefix;
  return (
    q >= kv && (kv < prefix || ((c.ancestors[q - prefix]![node >> 5]! >> (node & 31)) & 1) === 1)
  );
};
