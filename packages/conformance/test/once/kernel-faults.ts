/** A deliberate fault in the generated WGSL, and the case that must detect it. */
export interface Fault {
  readonly name: string;
  /** The matches that are replaced, in every shader. */
  readonly find: RegExp;
  readonly replace: string;
  /** Id of a case that must fail. */
  readonly caughtBy: string;
}

/**
 * Faults that attention kernels have really had. Patterns match text that all tile paths share, or text of one path. A pattern that
 * matches no shader fails its test.
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
    find: /first \+ (\d)u < params\.parts\)/,
    replace: 'first + $1u + 1u < params.parts)',
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
    find: /return work\.head(?: \/ params\.group)?;/,
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
    find: /\(value \+ \(0x7fffffffu >> \(32u - shift\)\) \+ even\) >> shift/,
    replace: 'value >> shift',
    caughtBy: 'dtypes/f16-rounds-to-nearest/f16',
  },
  {
    name: 'f16 ties go away from zero',
    find: /\(0x7fffffffu >> \(32u - shift\)\) \+ even/,
    replace: '(1u << (shift - 1u))',
    caughtBy: 'dtypes/f16-ties-to-even/f16',
  },
  {
    name: 'bf16 results are cut off, not rounded',
    find: /\(bits \+ 0x7fffu \+ \(high & 1u\)\) >> 16u/,
    replace: 'high',
    caughtBy: 'dtypes/bf16-rounds-to-nearest/bf16',
  },
  {
    name: 'bf16 ties go away from zero',
    find: /0x7fffu \+ \(high & 1u\)/,
    replace: '0x8000u',
    caughtBy: 'dtypes/bf16-ties-to-even/bf16',
  },
  {
    name: 'the halves of a word trade places',
    find: /bitcast<vec2<f32>>\(vec2<u32>\((\S+) << 16u, \S+ & 0xffff0000u\)\)/,
    replace: 'bitcast<vec2<f32>>(vec2<u32>($1 & 0xffff0000u, $1 << 16u))',
    caughtBy: 'dtypes/bf16-rounds-to-nearest/bf16',
  },
];

/** Faults that only cases of gradients detect. */
export const backwardFaults: readonly Fault[] = [
  {
    name: 'delta is dropped',
    find: /bitcast<f32>\(metadata\[at \+ 2u \* params\.state_plane\]\)/,
    replace: '0.0',
    caughtBy: 'backward-dense/lengths-113x203/all/f32',
  },
  {
    name: 'the gradient by lse has the wrong sign',
    find: /delta -= dlse/,
    replace: 'delta += dlse',
    caughtBy: 'backward-lse/dense/with-dout/f32',
  },
  {
    name: 'dk lacks the scale',
    find: /(write_dk\([^;]*) \* params\.scale\);/,
    replace: '$1);',
    caughtBy: 'backward-dense/lengths-113x203/all/f32',
  },
  {
    name: 'keys get the gradient of the first head of their group only',
    find: /group_head < params\.group;/,
    replace: 'group_head < 1u;',
    caughtBy: 'backward-gqa/dense/heads-8x1/f32',
  },
  {
    name: 'the last tile of queries is dropped',
    find: /first_query < seq\.q_len; first_query/,
    replace: 'first_query + TILE_M <= seq.q_len; first_query',
    caughtBy: 'backward-dense/lengths-113x203/all/f32',
  },
  {
    name: 'an empty row divides by its sum, which is 0',
    find: /select\(bitcast<u32>\(1\.0 \/ row_sum\), 0u, is_empty\)/,
    replace: 'bitcast<u32>(1.0 / row_sum)',
    caughtBy: 'backward-empty-rows/causal-lq-over-lk/f32',
  },
  {
    name: 'unused keys are read for dq and multiplied by zero',
    find: /key\d* < work\.seq\.k_len|key < seq\.k_len(?= && d < )/,
    replace: 'true',
    caughtBy: 'backward-seqused/lens-127-63-33-17/poison-nan/f32',
  },
  {
    name: 'heads of dOut are as far apart as its rows',
    find: /\* params\.dout_head/,
    replace: '* params.dout_row',
    caughtBy: 'backward-strides/dense/swapped/f32',
  },
  {
    name: 'every packed sequence writes the keys of the first',
    find: /\(seq\.k_row \+ key\) \* params\.dv_row/,
    replace: 'key * params.dv_row',
    caughtBy: 'backward-packed/ragged/f32',
  },
  {
    name: 'tiles of packed keys begin with the wrong sequence',
    find: /(\(begin - origin\) \/ TILE_N) \+ middle;/,
    replace: '$1;',
    caughtBy: 'backward-packed/tile-edges/f32',
  },
  {
    // The result would be right in memory that happens to hold zeros.
    name: 'rows of no sequence keep what memory held',
    find: /work\.first_row >= work\.rows/,
    replace: 'work.first_row >= work.rows || work.seq.index == params.batch',
    caughtBy: 'backward-packed/rows-of-nobody/gpu-lengths/f32',
  },
  {
    name: 'a shared page has the gradient of its last owner',
    find: /sum \+= (read_part\(at \+ batch \* params\.part_batch \+ key)/,
    replace: 'sum = $1',
    caughtBy: 'backward-pages/shared/page-size-7/f32',
  },
  {
    name: 'the owners of a page end with the first',
    find: /entry = links\[params\.pages \+ entry\]/,
    replace: 'entry = NONE',
    caughtBy: 'backward-pages/shared/page-size-7/f32',
  },
  {
    name: 'the gradient of values in the memory of keys is left out',
    find: /sum \+ values/,
    replace: 'sum',
    caughtBy: 'backward-shared-kv/view/dims-72x64/f32',
  },
  {
    name: 'keys of batch 1 get the gradient of the first entry',
    find: /batch < params\.batch; batch\+\+\) \{(?=\s*sum)/,
    replace: 'batch < 1u; batch++) {',
    caughtBy: 'backward-gqa/kv-batch-1-of-2/f32',
  },
  {
    name: 'the derivative of a score mod is taken for 1',
    find: /score_derivative \*= score_derivative_\w+\(score, row, key\);/,
    replace: '',
    caughtBy: 'backward-score-mods/branches/dense/f32',
  },
  {
    name: 'the derivative is taken at the changed score',
    find: /(score_derivative \*= score_derivative_\w+\(score, row, key\);)\s*(score = score_\w+\(score, row, key\);)/,
    replace: '$2 $1',
    caughtBy: 'backward-dense/options/softcap-alibi-causal/f32',
  },
  {
    name: 'the gradient of a sink lacks its weight',
    find: /sum -= weight \*/,
    replace: 'sum -=',
    caughtBy: 'backward-sinks/dense/f32',
  },
  {
    name: 'sinks count rows of one half of the threads',
    find: /partial\[lane\] \+= partial\[lane \+ half\];/,
    replace: '',
    caughtBy: 'backward-sinks/dense/f32',
  },
  {
    name: 'the gradient of a slope has the wrong sign',
    find: /return -(f32\(abs\(row\.query - key\)\);)/,
    replace: 'return $1',
    caughtBy: 'backward-dense/options/softcap-alibi-causal/f32',
  },
  {
    name: 'sums in fixed point lose their carries',
    find: /let carry = select\(0u, 1u, low \+ value\.x < low\);/,
    replace: 'let carry = 0u;',
    caughtBy: 'backward-dense/options/softcap-alibi-causal/f32',
  },
];
