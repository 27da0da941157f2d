import type { MatrixTile } from './matrix/config.ts';
import type { PortableTile } from './portable/config.ts';
import type { SubgroupTile } from './subgroup/config.ts';

/** Tiles with backward kernels too, for every dtype and head dim. */
export type GradientTile = PortableTile | SubgroupTile;

/** The tile-compute paths. */
export type TileConfig = GradientTile | MatrixTile;

export type TilePath = TileConfig['path'];

/** Query rows and keys of one tile. */
export interface TileShape {
  readonly tileM: number;
  readonly tileN: number;
}
