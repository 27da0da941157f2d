import type { Fault } from './faults.ts';

/** Mistakes in the kernels of the cache. */
export const cacheFaults: readonly Fault[] = [
  {
    name: 'heads of an appended row trade places',
    find: /\(slot \* params\.heads \+ head\)/,
    replace: '(slot * params.heads + params.heads - 1u - head)',
    caughtBy: 'cache-append/f32-pages/dims-64x128/f32',
  },
  {
    name: 'appended rows of f16 lose their last element',
    find: /if \(next < params\.(k|v)\.dim\)/,
    replace: 'if (next + 1u < params.$1.dim)',
    caughtBy: 'cache-append/f16-pages/dims-64x128/f32',
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
  {
    name: 'pages are packed without their values',
    find: /packed_pages\[in_packed\] = v_pool\[in_pool\] & counts;/,
    replace: '',
    caughtBy: 'cache-stores/f32-pages/f32',
  },
  {
    name: 'pages are unpacked one word off',
    find: /k_pool\[in_pool\] = packed_pages\[in_packed\] & counts;/,
    replace: 'k_pool[in_pool] = packed_pages[in_packed + 1u] & counts;',
    caughtBy: 'cache-stores/int8-pages/f32',
  },
];
