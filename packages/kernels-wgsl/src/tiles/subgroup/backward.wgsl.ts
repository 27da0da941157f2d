import type { BackwardConfig } from '../../config/backward.ts';
import { entryPoint, threadEntry } from '../entry.wgsl.ts';
import type { SubgroupTile } from './config.ts';
import { keyGradient } from './key-gradient.wgsl.ts';
import { queryGradient } from './query-gradient.wgsl.ts';
import { lane } from './subgroup.wgsl.ts';
import { tableGradient } from './table-gradient.wgsl.ts';

/** The entry point of a backward kernel, by subgroup broadcast as the forward's. */
export function subgroupBackward(config: BackwardConfig, tile: SubgroupTile): string {
  const { subgroupSize } = tile;
  switch (config.of) {
    case 'q':
      return entryPoint(subgroupSize, lane, queryGradient(config, tile));
    case 'kv':
      return threadEntry(subgroupSize, lane, keyGradient(config, tile));
    case 'tables':
      return entryPoint(subgroupSize, lane, tableGradient(config, tile));
  }
}
