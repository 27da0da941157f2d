import type { Capabilities } from '@heed/core';
import type { FloatType, GradientOf, KeyType, TileShape, WriteAccess } from '../parts/kinds.ts';
import { matrixCannot, matrixEnables, type MatrixTile } from './matrix-tile.ts';
import { portableCannot, type PortableTile } from './portable-tile.ts';
import { subgroupCannot, subgroupShape, type SubgroupTile } from './subgroup-tile.ts';
import { gridShape } from './thread-grid.wgsl.ts';

/** Tiles with backward kernels too, for every dtype and head dim. */
export type GradientTile = PortableTile | SubgroupTile;

/** The tile-compute paths. */
export type TileConfig = GradientTile | MatrixTile;

export type TilePath = TileConfig['path'];

/** Query rows and keys per tile. */
export function tileShape(tile: TileConfig): TileShape {
  return tile.path === 'subgroup' ? subgroupShape(tile) : gridShape(tile);
}

/** Queries and keys of one tile: a path's rows are those whose gradient is computed. */
export function backwardShape({
  of,
  tile,
}: {
  readonly of: GradientOf;
  readonly tile: GradientTile;
}): TileShape {
  const { tileM, tileN } = tileShape(tile);
  return of === 'kv' ? { tileM: tileN, tileN: tileM } : { tileM, tileN };
}

/** WGSL features that the path's text needs. */
function tileEnables({ path }: TileConfig): readonly string[] {
  if (path === 'portable') return [];
  return path === 'subgroup' ? ['subgroups'] : matrixEnables;
}

/** What decides whether a forward kernel can run on a device. */
interface ForwardNeeds {
  readonly qType: FloatType;
  readonly kvType: KeyType;
  readonly headDim: number;
  readonly headDimV: number;
  readonly tile: TileConfig;
}

/** @returns why this device cannot run the forward kernel, or undefined if it can */
export function cannotImplement(
  config: ForwardNeeds,
  capabilities: Capabilities,
): string | undefined {
  const { tile } = config;
  return tile.path === 'matrix'
    ? matrixCannot(config, tile, capabilities)
    : tileCannot(tile, capabilities, 'forward');
}

/** @returns why this device cannot run kernels of a tile that serves every dtype and head dim, or undefined if it can */
export function tileCannot(
  tile: GradientTile,
  capabilities: Capabilities,
  pass: 'forward' | 'gradient',
): string | undefined {
  return tile.path === 'portable'
    ? portableCannot(tile, capabilities)
    : subgroupCannot(tile, capabilities, pass);
}

/** The extensions that a kernel's text needs, and the device has where such a kernel is chosen. */
export function enables(
  tile: TileConfig | undefined,
  resultType: FloatType,
  write: WriteAccess,
): string {
  const ofResult = resultType === 'f16' && write === 'scalar' ? ['f16'] : [];
  const names = new Set([...(tile ? tileEnables(tile) : []), ...ofResult]);
  return [...names].map((name) => `enable ${name};`).join('\n');
}
