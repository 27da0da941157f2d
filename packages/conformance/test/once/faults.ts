/** A deliberate mistake in the generated WGSL, and the case that must notice it. */
export interface Fault {
  readonly name: string;
  /** Every shader that matches has the matches replaced. */
  readonly find: RegExp;
  readonly replace: string;
  /** Id of a case that has to fail. */
  readonly caughtBy: string;
}

/**
 * Mistakes that attention kernels have really had. Patterns name text that all tile paths share, except
 * where a path has its own; a pattern that matches no shader fails its test.
 */
export const faults: readonly Fault[] = [
  {
    name: 'the mask is dropped',
    find: /\(key < row\.k_len\) & visible_band\(row, key\)/,
    replace: 'key < row.k_len',
    caughtBy: 'lengths/self-33/f32',
  },
  {
    name: 'one key too many at a tile edge',
    find: /\(key < row\.k_len\) & visible/,
    replace: '(key <= row.k_len) & visible',
    caughtBy: 'lengths/self-33/f32',
  },
  {
    name: 'the last key tile is dropped',
    find: /\(u32\(end\) \+ TILE_N - 1u\) \/ TILE_N/,
    replace: 'u32(end) / TILE_N',
    caughtBy: 'lengths/self-33/f32',
  },
  {
    name: 'the running sum is not rescaled',
    find: /\(\*state\)\.row_sum \*= factor;/,
    replace: '',
    caughtBy: 'lengths/self-113/f32',
  },
  {
    name: 'the accumulator is not rescaled',
    find: /(fn softmax_rescale[^}]*)return factor;/,
    replace: '$1return 1.0;',
    caughtBy: 'lengths/self-113/f32',
  },
  {
    name: 'the last split is not merged',
    find: /i < params\.parts;/,
    replace: 'i + 1u < params.parts;',
    caughtBy: 'splits/dense-long/f32',
  },
  {
    name: 'splits overlap',
    find: /work\.split \* per_split/,
    replace: '0u',
    caughtBy: 'splits/dense-long/f32',
  },
  {
    name: 'page ids are ignored',
    find: /clamp\(entry, 0, i32\(params\.pages\) - 1\)/,
    replace: 'clamp(i32(key / params.page_size), 0, i32(params.pages) - 1)',
    caughtBy: 'paged-view/equals-block-table/lq-1/f32',
  },
  {
    name: 'seqUsedK is ignored',
    find: /return clamp_length\(metadata\[params\.used_k \+ b\], slot\);/,
    replace: 'return slot;',
    caughtBy: 'seqused/tile-edges/poison-nan/f32',
  },
  {
    name: 'unused rows are read and multiplied by zero',
    find: /key\d* < work\.seq\.k_len|key < seq\.k_len(?= && d < )/,
    replace: 'true',
    caughtBy: 'seqused/tile-edges/poison-nan/f32',
  },
  {
    name: 'query heads meet the wrong kv head',
    find: /return work\.head \/ params\.group;/,
    replace: 'return work.head % params.group;',
    caughtBy: 'gqa/prefill/heads-6x3/f32',
  },
  {
    name: 'the sink is dropped',
    find: /params\.sinks == NONE/,
    replace: 'true',
    caughtBy: 'options/dense/sinks/f32',
  },
  {
    name: 'lse is in base 2',
    find: /(log2\(max\(state\.row_sum, 1\.0e-37\)\)) \* LN_2/,
    replace: '$1',
    caughtBy: 'lse/natural-log-of-the-key-count/f32',
  },
  {
    name: 'the diagonal is tied to the top left corner',
    find: /select\(0, k_len - q_len, params\.align_end != 0u\)/,
    replace: '0',
    caughtBy: 'windows/cross-33x97/align-end/f32',
  },
  {
    name: 'the window is one key too narrow',
    find: /key >= row\.query - params\.band_left/,
    replace: 'key > row.query - params.band_left',
    caughtBy: 'windows/cross-33x97/align-start/f32',
  },
  {
    name: 'ALiBi loses its absolute value',
    find: /f32\(abs\(row\.query - key\)\)/,
    replace: 'f32(row.query - key)',
    caughtBy: 'options/dense/alibi/f32',
  },
  {
    name: 'all batch entries read the first entry of k',
    find: /seq\.index \* params\.k_batch/,
    replace: '0u * params.k_batch',
    caughtBy: 'lse/dense/f32',
  },
  {
    name: 'every packed sequence reads the keys of the first',
    find: /let k_row = k_begin\(b\);/,
    replace: 'let k_row = 0u;',
    caughtBy: 'lengths/packed-all/f32',
  },
  {
    name: 'rows before the first sequence are not visited',
    find: /found\.end \+= origin;/,
    replace: '',
    caughtBy: 'gpu-lengths/rows-of-nobody/packed/f32',
  },
  {
    name: 'f16 results are cut off, not rounded',
    find: /\(rebased \+ 0xfffu \+ \(\(rebased >> 13u\) & 1u\)\) >> 13u/,
    replace: 'rebased >> 13u',
    caughtBy: 'dtypes/f16-rounds-to-nearest/f16',
  },
  {
    name: 'f16 ties go away from zero',
    find: /rebased \+ 0xfffu \+ \(\(rebased >> 13u\) & 1u\)/,
    replace: 'rebased + 0x1000u',
    caughtBy: 'dtypes/f16-ties-to-even/f16',
  },
];
