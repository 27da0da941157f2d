import type { Fault } from './faults.ts';

/** Mistakes that only cases of gradients can see. */
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
    name: 'dOut is read with the strides of dq',
    find: /\* params\.dout_head/,
    replace: '* params.out_head',
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
    // Right where memory happens to hold zeros.
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
    name: 'keys of batch 1 get the gradient of the first entry',
    find: /batch < params\.batch; batch\+\+\) \{(?=\s*sum)/,
    replace: 'batch < 1u; batch++) {',
    caughtBy: 'backward-gqa/kv-batch-1-of-2/f32',
  },
  {
    name: 'the derivative of a score mod is taken for 1',
    find: /slope \*= slope_\w+\(score, row, key\);/,
    replace: '',
    caughtBy: 'backward-score-mods/branches/dense/f32',
  },
  {
    name: 'the derivative is taken at the changed score',
    find: /(slope \*= slope_\w+\(score, row, key\);)\s*(score = score_\w+\(score, row, key\);)/,
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
