import type { BackwardConfig } from '../config/backward.ts';
import { tileShape } from './compute.ts';
import { portableBackward } from './portable/backward.wgsl.ts';
import { subgroupBackward } from './subgroup/backward.wgsl.ts';
import type { TileShape } from './tile.ts';

/** Queries and keys of one tile: a path's rows are those whose gradient is computed. */
export function backwardShape({ of, tile }: Pick<BackwardConfig, 'of' | 'tile'>): TileShape {
  const { tileM, tileN } = tileShape(tile);
  return of === 'kv' ? { tileM: tileN, tileN: tileM } : { tileM, tileN };
}

/** The entry point of a backward kernel. */
export function backwardMain(config: BackwardConfig): string {
  const { tile } = config;
  return tile.path === 'portable'
    ? portableBackward(config, tile, backwardShape(config))
    : subgroupBackward(config, tile);
}
