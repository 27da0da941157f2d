import { wgsl } from '@heed/core/kernel';
import type { LengthKind } from './kinds.ts';
import { type ParamField, u32Fields } from './params.ts';
import type { KernelPart } from './kernel-parts.ts';

/**
 * Parameters of the block-mask lookup. Two bit planes, `some` and `full`, have one bit per block, 32 columns per word. The
 * strides of batch, head and row are in words; 0 broadcasts. `made` is the offset of the lengths that each sequence's blocks
 * were made for, or NONE if the host has compared all lengths.
 */
export const blockParams: readonly ParamField[] = [
  ...u32Fields('blocks_some', 'blocks_full', 'blocks_made'),
  ...u32Fields('blocks_batch', 'blocks_head', 'blocks_row', 'block_m', 'block_n'),
];

/**
 * Number of words that a block mask stores per sequence that it has blocks for: `q_begin, q_len, k_begin, k_len, first row
 * of its blocks`. The blocks hold only for these lengths. A length of NONE matches nothing; a begin of NONE matches any.
 */
export const MADE_WORDS = 5;

// Lengths on the GPU may have changed since the mask was made. The blocks are then not valid for the sequence.
const planesOf: Record<LengthKind, string> = {
  dense: wgsl`
    fn planes_of(seq: Sequence) -> u32 {
      if (params.blocks_made != NONE && made_for(seq.index, 3u) != seq.k_len) {
        return NONE;
      }
      return seq.index * params.blocks_batch;
    }
  `,
  varlen: wgsl`
    fn is_made_from(begin: u32, row: u32) -> bool {
      return begin == NONE || begin == row;
    }

    fn planes_of(seq: Sequence) -> u32 {
      let b = seq.index;
      if (b >= params.batch || made_for(b, 1u) != seq.q_len || made_for(b, 3u) != seq.k_len) {
        return NONE;
      }
      if (!is_made_from(made_for(b, 0u), seq.q_row) || !is_made_from(made_for(b, 2u), seq.k_row)) {
        return NONE;
      }
      return made_for(b, 4u) * params.blocks_row;
    }
  `,
};

/** Looks up the blocks that a tile touches: usually one, more where a tile holds several heads or spans blocks. */
export function blocksPart(lengths: LengthKind): KernelPart {
  const text = wgsl`
    // 32 blocks of a plane, by any row (some) or by all rows (full) of the span.
    struct BlockWords {
      some: u32,
      full: u32,
    }

    fn made_for(b: u32, word: u32) -> u32 {
      return block_mask[params.blocks_made + b * ${MADE_WORDS}u + word];
    }

    // Where the planes of a sequence begin, in words; NONE where they were made for other lengths, so that the mask's own
    // bounds must do.
    ${planesOf[lengths]}

    fn block_words(span: Span, column: u32) -> BlockWords {
      let shift = diagonal(span.q_len, span.k_len);
      let first = u32(span.query_first - shift) / params.block_m;
      let last = u32(span.query_last - shift) / params.block_m;
      let head_last = select(span.head_first, span.head_last, params.blocks_head != 0u);
      var words = BlockWords(0u, 0xffffffffu);
      for (var head = span.head_first; head <= head_last; head++) {
        for (var row = first; row <= last; row++) {
          let word = span.planes + u32(head) * params.blocks_head + row * params.blocks_row + column;
          words.some |= block_mask[params.blocks_some + word];
          words.full &= block_mask[params.blocks_full + word];
        }
      }
      return words;
    }

    fn class_of_blocks(span: Span) -> u32 {
      if (span.planes == NONE) {
        return PARTIAL;
      }
      var some = 0u;
      var full = 1u;
      for (var block = u32(span.key_first) / params.block_n; block <= u32(span.key_last) / params.block_n; block++) {
        let words = block_words(span, block / 32u);
        some |= (words.some >> (block % 32u)) & 1u;
        full &= (words.full >> (block % 32u)) & 1u;
      }
      return some + full;
    }

    // The first tile from \`tile\` on that may show a key. Blocks without one are passed over 32 at a time.
    fn next_tile(tile: u32, end: u32, span: Span) -> u32 {
      if (span.planes == NONE) {
        return tile;
      }
      var block = tile * TILE_N / params.block_n;
      while (block * params.block_n < end * TILE_N) {
        let some = block_words(span, block / 32u).some >> (block % 32u);
        if (some != 0u) {
          return max(tile, (block + countTrailingZeros(some)) * params.block_n / TILE_N);
        }
        block = (block / 32u + 1u) * 32u;
      }
      return end;
    }
  `;
  return { fields: [...blockParams, ...u32Fields('batch')], text };
}
