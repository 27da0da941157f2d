import type { Capabilities } from '@heed/core';
import type { ForwardConfig } from '../config/forward.ts';
import { portableCannot, portableShape } from './portable/config.ts';
import { portableMain } from './portable/portable.wgsl.ts';
import { subgroupCannot, subgroupShape } from './subgroup/config.ts';
import { subgroupMain } from './subgroup/subgroup.wgsl.ts';
import type { TileConfig, TileShape } from './tile.ts';

/** Query rows and keys per tile. */
export function tileShape(tile: TileConfig): TileShape {
  return tile.path === 'portable' ? portableShape(tile) : subgroupShape(tile);
}

/** The entry point of a kernel. */
export function tileMain(config: ForwardConfig): string {
  const { tile } = config;
  return tile.path === 'portable' ? portableMain(config, tile) : subgroupMain(config, tile);
}

/** @returns why this device cannot run the tile, or undefined if it can */
export function cannotImplement(tile: TileConfig, capabilities: Capabilities): string | undefined {
  return tile.path === 'portable'
    ? portableCannot(tile, capabilities)
    : subgroupCannot(tile, capabilities);
}
