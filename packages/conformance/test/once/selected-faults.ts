import type { Fault } from './kernel-faults.ts';

/** Faults of the kernels that select keys. */
export const selectedFaults: readonly Fault[] = [
  {
    name: 'NaN comes first',
    find: /select\(order, ~NEGATIVE_INFINITY_BITS, magnitude > 0x7f800000u\)/,
    replace: 'order',
    caughtBy: 'top-keys/nan-and-ties/f32',
  },
  {
    name: 'every key of the least score is listed',
    find: /\(before\.y < threshold\.ties\)/,
    replace: '(before.y < threshold.ties + 1u)',
    caughtBy: 'top-keys/causal/f32',
  },
  {
    name: 'scores are compared without their last digit',
    find: /digit <= params\.digits/,
    replace: 'digit < params.digits',
    caughtBy: 'top-keys/last-bits/f32',
  },
  {
    name: 'hidden keys are listed',
    find: /is_shown = is_visible\(row, key\);/,
    replace: 'is_shown = true;',
    caughtBy: 'top-keys/causal/f32',
  },
  {
    name: 'a block has the score of its last key',
    find: /atomicMax\(&orders/,
    replace: 'atomicStore(&orders',
    caughtBy: 'top-keys/blocks-of-16/f32',
  },
  {
    name: 'only the first group of heads counts',
    find: /group < params\.head_groups/,
    replace: 'group < 1u',
    caughtBy: 'top-keys/heads-64/f32',
  },
  {
    name: 'pairs of one digit change their order',
    find: /place \+= select\(0u, 1u, digits\[other\] == digit\);/,
    replace: 'place += select(0u, 1u, digits[other] == digit) * 0u;',
    caughtBy: 'backward-selected/mixed/per-query-head/packed/f32',
  },
  {
    name: 'the last pair of a key is dropped',
    find: /let end = inverted\[place \+ 1u\];/,
    replace: 'let end = max(first, inverted[place + 1u] - 1u);',
    caughtBy: 'backward-selected/mixed/per-kv-head/packed/f32',
  },
  {
    name: 'only the first chunk of a key counts',
    find: /chunk < chunks; chunk\+\+/,
    replace: 'chunk < 1u; chunk++',
    caughtBy: 'backward-selected/one-key-in-all-lists/f32',
  },
  {
    name: 'the last chunk of a key has as many pairs as the others',
    find: /let end = select\(first \+ CHUNK_PAIRS, [^;]*;/,
    replace: 'let end = first + CHUNK_PAIRS;',
    caughtBy: 'backward-selected/one-key-in-all-lists/f32',
  },
  {
    name: 'a shared list serves the first query head only',
    find: /index % params\.pair_heads \+ list/,
    replace: 'list',
    caughtBy: 'backward-selected/mixed/per-kv-head/packed/f32',
  },
  {
    name: 'all sequences add to the keys of the first',
    find: /seq\.index \* params\.slot_batch \+ seq\.k_row \+ key;/,
    replace: 'key;',
    caughtBy: 'backward-selected/mixed/per-kv-head/packed/f32',
  },
];
