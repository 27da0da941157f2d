import type { Capabilities } from '@heed/core';
import type { ForwardConfig } from '../config/forward.ts';
import { gridShape } from './grid/config.ts';
import { matrixCannot, matrixEnables } from './matrix/config.ts';
import { matrixMain } from './matrix/matrix.wgsl.ts';
import { portableCannot } from './portable/config.ts';
import { portableMain } from './portable/portable.wgsl.ts';
import { subgroupCannot, subgroupShape } from './subgroup/config.ts';
import { subgroupMain } from './subgroup/subgroup.wgsl.ts';
import type { GradientTile, TileConfig, TileShape } from './tile.ts';

/** Query rows and keys per tile. */
export function tileShape(tile: TileConfig): TileShape {
  return tile.path === 'subgroup' ? subgroupShape(tile) : gridShape(tile);
}

/** WGSL features that the path's text needs. */
export function tileEnables({ path }: TileConfig): readonly string[] {
  if (path === 'portable') return [];
  return path === 'subgroup' ? ['subgroups'] : matrixEnables;
}

/** The entry point of a kernel. */
export function tileMain(config: ForwardConfig): string {
  const { tile } = config;
  if (tile.path === 'portable') return portableMain(config, tile);
  return tile.path === 'subgroup' ? subgroupMain(config, tile) : matrixMain(config, tile);
}

/** What decides whether a forward kernel can run on a device. */
export type ForwardNeeds = Pick<
  ForwardConfig,
  'qType' | 'kvType' | 'headDim' | 'headDimV' | 'tile'
>;

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
