import type { Fault } from './kernel-faults.ts';

/** Faults that only cases of `max` detect. */
export const maxFaults: readonly Fault[] = [
  {
    name: 'the maximum is in base 2',
    find: /state\.key_max \* LN_2/,
    replace: 'state.key_max',
    caughtBy: 'max/dense/f32',
  },
  {
    name: 'the maximum counts the sink',
    find: /state\.key_max \* LN_2/,
    replace: 'state.row_max * LN_2',
    caughtBy: 'max/sinks-left-out/f32',
  },
  {
    name: 'the maximum of all splits is that of the last',
    find: /key_max = max\(key_max, (select\(bitcast<f32>\(bits\), MASKED, bits == NEGATIVE_INFINITY_BITS\))\)/,
    replace: 'key_max = $1',
    caughtBy: 'max/dense/f32',
  },
];

/** Faults that only cases of dropout detect. */
export const dropoutFaults: readonly Fault[] = [
  {
    name: 'the high word of the seed is ignored',
    find: / \^ seed\.y/,
    replace: '',
    caughtBy: 'dropout/dense/f32',
  },
  {
    name: 'dropped pairs go by rows, not by positions',
    find: /u32\(row\.query\) \* 0x85ebca6bu/,
    replace: 'u32(row.q_row) * 0x85ebca6bu',
    caughtBy: 'dropout/causal-lq-over-lk/f32',
  },
  {
    name: 'the query heads of a group drop the same pairs',
    find: /of_sequence \+ u32\(row\.head\)/,
    replace: 'of_sequence + u32(row.head) / params.group',
    caughtBy: 'dropout/one-kv-head/f32',
  },
  {
    name: 'weights that are kept are not scaled',
    find: / \* params\.keep_scale;/,
    replace: ';',
    caughtBy: 'dropout/dense/f32',
  },
  {
    name: 'dropped weights are missing from the sum',
    find: /(state\d*\.row_sum \+= [^;]+;)\s*((?:s\S+ = select\(0\.0, \S+ is_kept\([^;]+;\s*)+)/,
    replace: '$2 $1',
    caughtBy: 'dropout/dense/f32',
  },
  {
    name: 'dq and dk take the gradients of dropped weights',
    find: /select\(0\.0, (\S+ \* params\.keep_scale), /,
    replace: 'select($1, $1, ',
    caughtBy: 'backward-dropout/dense/f32',
  },
  {
    name: 'dv takes all weights',
    find: /kept\S* = select\(0\.0, kept\S+ is_kept\([^;]+;/,
    replace: '',
    caughtBy: 'backward-dropout/dense/f32',
  },
];

/** Faults that only cases of weights detect. */
export const weightsFaults: readonly Fault[] = [
  {
    name: 'keys are summed without the last query',
    find: /position < seq\.q_len; position/,
    replace: 'position + 1u < seq.q_len; position',
    caughtBy: 'weights/dense/f32',
  },
  {
    name: 'keys are summed by descending queries',
    find: /make_row\(work, position\), i32\(key\)/,
    replace: 'make_row(work, seq.q_len - 1u - position), i32(key)',
    caughtBy: 'weights/summed-in-ascending-order/f32',
  },
  {
    name: 'rows begin with the first of the tensor',
    find: / - params\.first_query/,
    replace: '',
    caughtBy: 'weights/some-rows/dense/f32',
  },
  {
    name: 'the keys of a head have the weights of another',
    find: /Work\(seq, of_head % params\.heads/,
    replace: 'Work(seq, 0u',
    caughtBy: 'weights/dense/f32',
  },
  {
    name: 'an empty row has weights',
    find: /select\(0\.0, softmax_weight\(score, row_lse\), row_lse > SEEN\)/,
    replace: 'exp2(score - row_lse)',
    caughtBy: 'weights/causal-lq-over-lk/f32',
  },
];

/** Faults that only cases of learned scales and softcaps detect. */
export const learnedFaults: readonly Fault[] = [
  {
    name: 'all heads have the scale of the first',
    find: /captures\[params\.scales \+ head \* params\.scales_head\]/,
    replace: 'captures[params.scales]',
    caughtBy: 'learned/scale-per-head/f32',
  },
  {
    name: 'the gradient of a scale leaves out what follows it',
    find: / \* chain\.y \* partial_scale_0/,
    replace: ' * partial_scale_0',
    caughtBy: 'backward-learned/scale-softcap-alibi/dense/f32',
  },
  {
    name: 'the gradient of a softcap is taken at the product',
    find: /partial_head_softcap_0\(chain\.x/,
    replace: 'partial_head_softcap_0(0.5 * chain.x',
    caughtBy: 'backward-learned/scale-softcap-alibi/dense/f32',
  },
  {
    name: 'a scale has no derivative',
    find: /fn score_derivative_scale\(([^)]*)\) -> f32 \{\s*return row\.scale;/,
    replace: 'fn score_derivative_scale($1) -> f32 {\n return 1.0;',
    caughtBy: 'backward-learned/scale-per-head/dense/f32',
  },
];
