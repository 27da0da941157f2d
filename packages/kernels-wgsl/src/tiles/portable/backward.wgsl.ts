import { wgsl } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { entryPoint, threadEntry } from '../entry.wgsl.ts';
import { THREADS_N } from '../grid/config.ts';
import { stageKeys, stageRows } from '../grid/staging.wgsl.ts';
import type { TileShape } from '../tile.ts';
import type { PortableTile } from './config.ts';
import { keyGradient } from './key-gradient.wgsl.ts';
import { queryGradient } from './query-gradient.wgsl.ts';
import { tileArrays } from './sides.wgsl.ts';
import { tableGradient } from './table-gradient.wgsl.ts';

const thread = { name: 'thread', builtin: 'local_invocation_index' } as const;

/** The entry point of a backward kernel, with what it stages. */
export function portableBackward(
  config: BackwardConfig,
  tile: PortableTile,
  { tileM, tileN }: TileShape,
): string {
  const { of, headDim, headDimV } = config;
  const threads = tile.threadsM * THREADS_N;
  const own = tile.threadsM * tile.rowsPerThread;
  const inside = of === 'kv';
  return wgsl`
    ${tileArrays(tileM, tileN)}
    var<workgroup> weights: array<vec4<f32>, ${own * THREADS_N}>; // ${own * THREADS_N * 16} bytes

    ${stageRows({ name: 'q', dim: headDim, threads }, ' * q_scale()', inside)}

    ${stageRows({ name: 'dout', dim: headDimV, threads }, '', inside)}

    ${stageKeys({ name: 'k', dim: headDim, threads })}

    ${stageKeys({ name: 'v', dim: headDimV, threads })}

    ${main(config, tile, threads)}
  `;
}

function main(config: BackwardConfig, tile: PortableTile, threads: number): string {
  switch (config.of) {
    case 'q':
      return entryPoint(threads, thread, queryGradient(config, tile));
    case 'kv':
      return threadEntry(threads, thread, keyGradient(config, tile));
    case 'tables':
      return entryPoint(threads, thread, tableGradient(config, tile));
  }
}
