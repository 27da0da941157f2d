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
];
