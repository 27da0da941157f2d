import type { Capabilities } from '@heed/core';
import type { TileShape } from '../parts/kinds.ts';

/** One lane owns whole query rows; the lanes of a subgroup own one key each and show it to the others by broadcast. */
export interface SubgroupTile {
  readonly path: 'subgroup';
  /** The device's one subgroup size. */
  readonly subgroupSize: number;
  /** Query rows per lane. */
  readonly rowsPerLane: number;
  /** Keys per lane and tile. */
  readonly keysPerLane: number;
}

/** Lanes whose keys are broadcast: all of them, up to what is worth unrolling. */
export function keyLanes(tile: SubgroupTile): number {
  return Math.min(tile.subgroupSize, 8);
}

export function subgroupShape(tile: SubgroupTile): TileShape {
  return {
    tileM: tile.subgroupSize * tile.rowsPerLane,
    tileN: keyLanes(tile) * tile.keysPerLane,
  };
}

/**
 * Scores of a tile that a lane may hold at once. Compile time grows faster than these numbers, and a gradient has twice the
 * text for each.
 */
export const maxScores = { forward: 256, gradient: 128 } as const;

/** @returns why the path cannot run, or undefined if it can */
export function subgroupCannot(
  tile: SubgroupTile,
  { subgroups }: Capabilities,
  pass: keyof typeof maxScores,
): string | undefined {
  if (!subgroups) return 'the device has no subgroups';
  if (subgroups.min !== subgroups.max) {
    return `broadcast lanes must be constants, and subgroups have ${subgroups.min} to ${subgroups.max} lanes here`;
  }
  if (subgroups.max !== tile.subgroupSize) {
    return `the tile is for subgroups of ${tile.subgroupSize}; the device has ${subgroups.max}`;
  }
  const scores = tile.rowsPerLane * subgroupShape(tile).tileN;
  if (scores > maxScores[pass]) {
    return `${tile.rowsPerLane} rows × ${subgroupShape(tile).tileN} keys per lane exceed ${maxScores[pass]} scores`;
  }
  return undefined;
}
