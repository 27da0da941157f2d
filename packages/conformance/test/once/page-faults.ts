import type { Fault } from './kernel-faults.ts';

/** Faults that only cases of quantised pages detect. */
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

/** Faults in the kernels of the cache. */
export const cacheFaults: readonly Fault[] = [
  {
    name: 'heads of an appended row trade places',
    find: /params\.page_size \* params\.heads \+ head;/,
    replace: 'params.page_size * params.heads + params.heads - 1u - head;',
    caughtBy: 'cache-append/f32-pages/dims-64x128/f32',
  },
  {
    name: 'appended rows of f16 lose their last element',
    find: /if \(next < params\.(k|v)\.dim\)/,
    replace: 'if (next + 1u < params.$1.dim)',
    caughtBy: 'cache-append/f16-pages/dims-64x128/f32',
  },
  {
    name: 'appended bf16 is read as f16',
    find: /bitcast<f32>\(half << 16u\)/,
    replace: 'unpack2x16float(half).x',
    caughtBy: 'cache-append/f32-pages/dims-7x5/bf16',
  },
  {
    name: 'a scale is that of one thread’s elements',
    find: /largest = max\(largest, largest_of\[lane - first \+ i\]\);/,
    replace: '',
    caughtBy: 'cache-append/int8-pages/dims-64x128/f32',
  },
  {
    name: 'integers are cut off, not rounded',
    find: /round\(x \/ scale\)/,
    replace: 'trunc(x / scale)',
    caughtBy: 'cache-append/int4-pages/dims-64x128/f32',
  },
  {
    name: 'a row with a NaN is stored like any other',
    find: /largest >= 0x7f800000u/,
    replace: 'false',
    caughtBy: 'cache-append/int4-pages/dims-7x5/f32',
  },
  {
    name: 'interleaved pairs are taken for halves',
    find: /params\.rotary\.is_interleaved != 0u/,
    replace: 'false',
    caughtBy: 'cache-rotary/f16-pages/interleaved/f32',
  },
  {
    name: 'keys turn the other way',
    find: /select\(sine, -sine, is_first\)/,
    replace: 'select(-sine, sine, is_first)',
    caughtBy: 'cache-rotary/int8-pages/half-split/f32',
  },
  {
    name: 'every query has the position of the first',
    find: /params\.rotary\.positions_start \+ token \* params\.rotary\.positions_step/,
    replace: 'params.rotary.positions_start',
    caughtBy: 'cache-rotary/queries/half-split/f16',
  },
  {
    name: 'a shared page is copied without its keys',
    find: /k_pool\[pages\[2u \* pair \+ 1u\] \* params\.k_words \+ word\] = [^;]*;/,
    replace: '',
    caughtBy: 'cache-pages/sharing/f32-pages/f32',
  },
  {
    name: 'page 0 keeps what memory held',
    find: /v_pool\[pages\[page\] \* params\.v_words \+ thread % params\.v_words\] = params\.word;/,
    replace: '',
    caughtBy: 'cache-pages/window/sinks-0/f32-pages/f32',
  },
  {
    name: 'a table is not brought up to date',
    find: /table\[params\.first \+ pairs\[i\]\.x\] = pairs\[i\]\.y;/,
    replace: '',
    caughtBy: 'cache-pages/window/sinks-3/int4-pages/f32',
  },
];
