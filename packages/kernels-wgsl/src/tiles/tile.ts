import type { PortableTile } from './portable/config.ts';
import type { SubgroupTile } from './subgroup/config.ts';

/** The tile-compute paths. A subgroup-matrix path joins this union. */
export type TileConfig = PortableTile | SubgroupTile;

export type TilePath = TileConfig['path'];

/** Query rows and keys of one tile. */
export interface TileShape {
  readonly tileM: number;
  readonly tileN: number;
}
