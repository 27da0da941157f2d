import type { KernelSource } from '@heed/core/kernel';
import { appendSource } from './kernels/append/append.wgsl.ts';
import { copySource } from './kernels/copy/copy.wgsl.ts';
import { fillSource } from './kernels/fill/fill.wgsl.ts';
import { packSource } from './kernels/pack/pack.wgsl.ts';
import type { PageGeometry } from './pages/geometry.ts';
import { updateSource } from './tables/update.wgsl.ts';

/** Every kernel that a cache may dispatch. */
export const sourcesOf = ({ format }: PageGeometry): KernelSource[] => [
  appendSource({ format, rotary: false }),
  appendSource({ format, rotary: true }),
  copySource,
  fillSource,
  updateSource,
  packSource('pack'),
  packSource('unpack'),
];
