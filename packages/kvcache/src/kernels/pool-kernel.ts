import type { Gpu } from '@heed/core';
import {
  type BufferRange,
  dispatch,
  getKernel,
  type KernelSource,
  sections,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import { type PageGeometry, poolNames } from '../pages/page-geometry.ts';
import { workgroupsOf, writtenPools } from './bound-operands.ts';
import type { Pool } from './page-pools.ts';
import { eachPool } from './row-reads.wgsl.ts';

/** The text of a kernel that changes both pools of a layer by a list. */
interface PoolKernel {
  readonly label: string;
  /** The binding of the list: its name and its type. */
  readonly list: string;
  /** The fields of `params`. */
  readonly fields: string;
  readonly constants?: string;
  /** The function of a pool's threads is `<verb>_<pool>(thread)`. */
  readonly verb: string;
  /** Returns that function for a pool, whose words are `<pool>_pool`. */
  readonly pool: (x: 'k' | 'v') => string;
}

/** Composes a kernel that changes both pools of a layer. */
export const poolSource = (of: PoolKernel): KernelSource => ({
  label: of.label,
  bindings: ['read', 'write', 'write', 'uniform'],
  code: `${sections(
    wgsl`
      struct Params {
        ${of.fields}
      }
    `,
    of.constants,
    wgsl`
      @group(0) @binding(0) var<storage, read> ${of.list};
      @group(0) @binding(1) var<storage, read_write> k_pool: array<u32>;
      @group(0) @binding(2) var<storage, read_write> v_pool: array<u32>;
      @group(0) @binding(3) var<uniform> params: Params;
    `,
    of.pool('k'),
    of.pool('v'),
    threadMain(
      'thread',
      eachPool((x) => `${of.verb}_${x}(thread)`),
    ),
  )}\n`,
});

/** One dispatch of a {@link poolSource}. */
interface PoolEdit {
  readonly source: KernelSource;
  readonly list: BufferRange;
  readonly params: readonly number[];
  /** Threads of each pool. */
  readonly threads: number;
}

/** Changes the pools of a layer; without one for values, the keys alone. @throws LimitError more threads than indices allow */
export function editPools(
  fn: string,
  gpu: Gpu,
  geometry: PageGeometry,
  pool: Pool,
  { source, list, params, threads }: PoolEdit,
): void {
  dispatch(gpu, {
    kernel: getKernel(gpu, source),
    buffers: [list, ...writtenPools(gpu, geometry, pool)],
    params: Uint32Array.from(params),
    workgroups: workgroupsOf(gpu, fn, threads, poolNames(geometry).length),
  });
}
