import type { KernelSource } from '@heed/core/kernel';
import { appendSource } from '../../../src/kernels/append-rows.wgsl.ts';
import { packSource } from '../../../src/kernels/packed-pages.ts';
import { copySource, fillSource } from '../../../src/kernels/page-edits.ts';
import { rotateSource } from '../../../src/kernels/rotate.ts';

/** Every kernel that the cache can ask for, by file name. */
export const sources: Readonly<Record<string, KernelSource>> = {
  'append-f32': appendSource({ format: 'f32', rotary: false }),
  'append-f32-rotary': appendSource({ format: 'f32', rotary: true }),
  'append-f16': appendSource({ format: 'f16', rotary: false }),
  'append-f16-rotary': appendSource({ format: 'f16', rotary: true }),
  'append-int8': appendSource({ format: 'int8', rotary: false }),
  'append-int8-rotary': appendSource({ format: 'int8', rotary: true }),
  'append-int4': appendSource({ format: 'int4', rotary: false }),
  'append-int4-rotary': appendSource({ format: 'int4', rotary: true }),
  copy: copySource,
  fill: fillSource,
  pack: packSource('pack'),
  unpack: packSource('unpack'),
  'rotate-f32': rotateSource('f32'),
  'rotate-f16': rotateSource('f16'),
};
