import type { Fault } from './kernel-faults.ts';

/** Faults that only cases of flexAttention detect. */
export const flexFaults: readonly Fault[] = [
  {
    name: 'a maskMod is ignored in partial tiles',
    find: / & visible_mask_\w+\(row, key\)/,
    replace: '',
    caughtBy: 'flex-library/dilated-window/packed-decode/f32',
  },
  {
    name: 'the mask of a BlockMask is ignored in partial blocks',
    find: / & visible_block_\w+\(row, key\)/,
    replace: '',
    caughtBy: 'flex-block-masks/unbounded/packed-decode/f32',
  },
  {
    name: 'a tile has the class of the next row of blocks',
    find: /row \* params\.blocks_row \+ column/,
    replace: '(row + 1u) * params.blocks_row + column',
    caughtBy: 'flex-block-masks/band/dense-prefill/f32',
  },
  {
    name: 'a tile has the class of the next column of blocks',
    find: /block <= u32\(span\.key_last\) \/ params\.block_n; block\+\+\) \{/,
    replace: '$&\n block += 1u;',
    caughtBy: 'flex-block-masks/band/dense-prefill/f32',
  },
  {
    name: 'a block that shows something is passed over',
    find: /block \+ countTrailingZeros\(some\)/,
    replace: '$& + 1u',
    caughtBy: 'flex-block-masks/band/dense-prefill/f32',
  },
  {
    name: 'blocks are classed by rows, not by positions',
    find: /query \+ shift, query_last \+ shift/,
    replace: 'query, query_last',
    caughtBy: 'flex-block-masks/band/dense-prefill/f32',
  },
  {
    name: 'a block that is listed as partial and as full stays partial',
    find: /\(word & ~\(3u << shift\)\) \| \(params\.class_ << shift\)/,
    replace: 'select(word, $&, params.class_ == PARTIAL)',
    caughtBy: 'flex-listed-blocks/band/dense-prefill/f32',
  },
  {
    name: 'blocks after the end of a list count',
    find: /u32\(clamp\(listed, 0, i32\(params\.entries\)\)\)/,
    replace: 'params.entries',
    caughtBy: 'flex-listed-blocks/without-mod/paged-decode/f32',
  },
  {
    name: 'a slice reads the planes of the first batch entry',
    find: /params\.blocks_some \+ word/,
    replace: 'word',
    caughtBy: 'flex-block-slices/batch/f32',
  },
  {
    name: 'table indices are not clamped',
    find: /u32\(clamp\((i\d), 0, params\.\w+\)\)/,
    replace: 'u32($1)',
    caughtBy: 'flex-biases/rank-2-relative/dense-decode/f32',
  },
  {
    name: 'the strides of a table are swapped',
    find: /(clamp\(i0, 0, params\.(\w+)_last0\)\) \* params\.\w+_stride)0/,
    replace: '$11',
    caughtBy: 'flex-biases/rank-2-flipped-reversed/paged-prefill/f32',
  },
  {
    name: 'the values of a diagonal are those of the next',
    find: /(let offset = row0\.query - i32\(first_key\)) \+/,
    replace: '$1 + 1 +',
    caughtBy: 'flex-biases/rank-2-relative/dense-prefill/f32',
  },
  {
    name: 'a NaN in a table is the largest score',
    find: /select\(-1e\+38, 1e\+38, bits == 0x7f800000u\)/,
    replace: '1e+38',
    caughtBy: 'flex-hidden/table-nan-f32/dense-decode/f32',
  },
  {
    name: 'the second half of a word is read as the first',
    find: /captures\[at \/ 2u\] >> \(at % 2u \* 16u\)/,
    replace: 'captures[at / 2u]',
    caughtBy: 'flex-biases/rank-1-key-f16/paged-decode/f32',
  },
  {
    name: 'a value per row is that of the group’s first head',
    find: /row\.head = i32\(head\);/,
    replace: 'row.head = i32(work.head * params.group);',
    caughtBy: 'flex-library/alibi/dense-decode/f32',
  },
  {
    name: 'the packed row of a key is its position',
    find: /return row\.k_row \+ key;/,
    replace: 'return key;',
    caughtBy: 'flex-conditions/global-indices/packed-decode/f32',
  },
  {
    name: 'a summary has the first element of a block as its largest',
    find: /high = max\(high, x\);/,
    replace: 'high = select(high, x, i == first);',
    caughtBy: 'flex-library/document/dense-decode/f32',
  },
  {
    name: 'the bounds of few elements leave out the last one',
    find: /i <= end; i\+\+\) \{\s+let x = (\w+_read)/,
    replace: 'i < end; i++) {\n let x = $1',
    caughtBy: 'flex-library/flamingo/dense-decode/f32',
  },
  {
    name: 'a condition on the query that may hold hides its keys',
    find: /select\(0, 2147483647, span\.query_first < params\.\w+\)/,
    replace: '0',
    caughtBy: 'flex-library/global-plus-window/dense-prefill/f32',
  },
  {
    name: 'negative quotients round towards zero',
    find: /return x \/ y - select\(0, 1, .*\);/,
    replace: 'return x / y;',
    caughtBy: 'flex-library/composed/dense-prefill/f32',
  },
];
