import type { Capabilities } from '@heed/core';
import type { FloatType, GradientOf, TileShape, WriteAccess } from '../parts/kinds.ts';
import { decodeMain } from './decode-forward.wgsl.ts';
import { type DecodeTile, decodeTiles, integerTiles } from './decode-tile.ts';
import type { AnyTile, BackwardConfig, ForwardConfig } from './kernel-config.ts';
import { matrixMain } from './matrix-forward.wgsl.ts';
import type { MatrixTile } from './matrix-geometry.ts';
import { matrixTiles } from './matrix-tile.ts';
import { portableMain } from './portable-forward.wgsl.ts';
import { portableTiles, type PortableTile } from './portable-tile.ts';
import { subgroupMain } from './subgroup-forward.wgsl.ts';
import { subgroupTiles, type SubgroupTile } from './subgroup-tile.ts';
import { THREADS_N } from './thread-grid.wgsl.ts';
import {
  gradientShape,
  type TileNeeds,
  type TilePathOf,
  type TileProblem,
  type TileUse,
} from './tile-path.ts';

export type TileConfig = MatrixTile | DecodeTile | SubgroupTile | PortableTile;

/** The name of a tile path. */
export type TilePath = TileConfig['path'];

/** The tile paths, the preferred ones first. */
export const tilePaths: { readonly [Path in TilePath]: TilePathOf<TileConfig & { path: Path }> } = {
  matrix: { ...matrixTiles, forward: matrixMain, hasBackward: true },
  decode: { ...decodeTiles, forward: decodeMain, hasBackward: false },
  integers: { ...integerTiles, forward: decodeMain, hasBackward: false },
  subgroup: { ...subgroupTiles, forward: subgroupMain, hasBackward: true },
  portable: { ...portableTiles, forward: portableMain, hasBackward: true },
};

const all = Object.values(tilePaths) as readonly TilePathOf<AnyTile>[];

// The tile names the path that it belongs to.
const pathOf = ({ path }: AnyTile): TilePathOf<AnyTile> =>
  (tilePaths as Readonly<Record<string, TilePathOf<AnyTile>>>)[path]!;

const isGradient = (use: TileUse): use is GradientOf => use !== 'head' && use !== 'group';

/**
 * Returns the tiles to try for a kernel, best first: those of one path, or the shipped defaults of the device's class if no
 * path is given or the path has no kernels for that use.
 */
export function tileCandidates(
  use: TileUse,
  capabilities: Capabilities,
  problem: TileProblem,
  path?: string,
): readonly TileConfig[] {
  const usable = all.filter((one) => !isGradient(use) || one.hasBackward);
  const defaults = usable
    .filter((one) => one.isDefault(use, capabilities))
    .flatMap((one) => one.defaults(use, capabilities, problem));
  const one = path !== undefined && Object.hasOwn(tilePaths, path) ? pathOf({ path }) : undefined;
  if (!one || !usable.includes(one)) return defaults as TileConfig[];
  const own = one.defaults(use, capabilities, problem);
  return (one.fallsBack?.(capabilities) ? [...own, ...defaults] : own) as TileConfig[];
}

/** Returns query rows and keys per tile. */
export function tileShape(tile: AnyTile): TileShape {
  return pathOf(tile).shape(tile);
}

/** Returns queries and keys per tile of a backward kernel. */
export function backwardShape({ of, tile }: Pick<BackwardConfig, 'of' | 'tile'>): TileShape {
  return gradientShape(of, tileShape(tile));
}

/** Returns the number of passes over the keys of a tile. */
export function keyTurns(tile: AnyTile): number {
  return pathOf(tile).keyTurns?.(tile) ?? 1;
}

/** Returns the workgroups of a backward kernel per tile of queries, or of keys for dk and dv: 2 if dk and dv have one each. */
export function gradientWorkgroups({
  of,
  tile,
  ...dims
}: Pick<BackwardConfig, 'of' | 'tile' | 'headDim' | 'headDimV'>): number {
  return of === 'kv' ? (pathOf(tile).keyWorkgroups?.(tile, dims) ?? 1) : 1;
}

/** Whether kernels of a tile load 16-bit floats eight elements at a time where the memory layout allows it. */
export function readsWide(tile: AnyTile): boolean {
  return pathOf(tile).readsWide ?? false;
}

/** Returns the threads that share a row, each of which sums its own keys: the sums that a prefix pass leaves of a row. */
export const sumsPerRow = ({ path }: AnyTile): number => (path === 'portable' ? THREADS_N : 1);

/** Whether forward kernels of a tile read memory once that k and v share. */
export function sharesKv(tile: AnyTile): boolean {
  return pathOf(tile).sharesKv ?? false;
}

/** Returns the entry point of a forward kernel. */
export function forwardMain(config: ForwardConfig): string {
  return pathOf(config.tile).forward(config, config.tile);
}

/** @returns why this device cannot run the forward kernel, or undefined if it can */
export function cannotImplement(
  config: TileNeeds & { readonly tile: AnyTile },
  capabilities: Capabilities,
): string | undefined {
  return pathOf(config.tile).cannot(config.tile, capabilities, 'forward', config);
}

/** @returns why this device cannot run a backward kernel of a tile, or undefined if it can */
export function cannotImplementGradient(
  config: TileNeeds & Pick<BackwardConfig, 'of' | 'tile'>,
  capabilities: Capabilities,
): string | undefined {
  return pathOf(config.tile).cannot(config.tile, capabilities, config.of, config);
}

/** Returns the extensions that a kernel's text needs. A device on which such a kernel is chosen has them. */
export function enables(
  tile: AnyTile | undefined,
  resultType: FloatType,
  write: WriteAccess,
): string {
  const ofResult = resultType === 'f16' && write === 'scalar' ? ['f16'] : [];
  const names = new Set([...(tile ? pathOf(tile).enables(tile) : []), ...ofResult]);
  return [...names].map((name) => `enable ${name};`).join('\n');
}
