import type { Fault } from './faults.ts';

/** Mistakes that only cases of quantised pages can see. */
export const quantisedFaults: readonly Fault[] = [
  {
    name: 'integers lose their sign',
    find: /vec4<i32>\((vec4<u32>\(word\) << vec4<u32>\([^)]*\))\) >> (vec4<u32>\(\d+u\))/,
    replace: 'vec4<i32>(($1) >> $2)',
    caughtBy: 'quantised-pages/int8/decode/page-sizes/f32',
  },
  {
    name: 'a row has the scale of the next head',
    find: /bitcast<f32>\((\w)\[row\]\)/,
    replace: 'bitcast<f32>($1[row + params.$1_head])',
    caughtBy: 'quantised-pages/int8/decode/page-sizes/f32',
  },
  {
    name: 'the scale is taken for the first word of integers',
    find: /\(1u \+ d \/ (\d)u\)/,
    replace: '(d / $1u)',
    caughtBy: 'quantised-pages/int4/decode/page-sizes/f32',
  },
  {
    name: 'both halves of a word of int4 are the lower one',
    find: / >> \(d % 8u \* 4u\)/,
    replace: '',
    caughtBy: 'quantised-pages/int4/decode/page-sizes/f32',
  },
  {
    name: 'a scale of NaN in an unused row is read',
    find: /key\d* < work\.seq\.k_len|key < seq\.k_len(?= && d < )/,
    replace: 'true',
    caughtBy: 'quantised-pages/int4/decode/unused-rows/f32',
  },
];
