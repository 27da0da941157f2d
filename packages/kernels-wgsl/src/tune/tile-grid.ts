import type { Capabilities } from '@heed/core';
import type { RowKind } from '../config/forward.ts';
import { isSoftware } from '../plan/tile-table.ts';
import { tileShape } from '../tiles/compute.ts';
import type { PortableTile } from '../tiles/portable/config.ts';
import { keyLanes, type SubgroupTile } from '../tiles/subgroup/config.ts';
import type { TileConfig } from '../tiles/tile.ts';

/** All tiles of a size that is worth a try, and the shipped ones. */
export function tileGrid(
  rows: RowKind,
  capabilities: Capabilities,
  shipped: readonly TileConfig[],
): TileConfig[] {
  const software = isSoftware(capabilities);
  // Few rows of a group fill a small tile, and leave most of a large one empty.
  const [least, most] = rows === 'group' ? [4, 32] : [16, 128];
  const grid = [
    ...subgroupGrid(capabilities),
    // A compiler that unrolls anyway gets no second reason to.
    ...portableGrid(software ? [false] : [true, false]),
  ].filter((tile) => {
    const { tileM } = tileShape(tile);
    return tileM >= least && tileM <= most;
  });
  return [...shipped, ...grid.filter((tile) => !shipped.some((other) => isSameTile(tile, other)))];
}

function portableGrid(unrolls: readonly boolean[]): PortableTile[] {
  return [4, 8, 16, 32].flatMap((threadsM) =>
    ([1, 2, 4] as const).flatMap((rowsPerThread) =>
      unrolls.map((unroll) => ({ path: 'portable' as const, threadsM, rowsPerThread, unroll })),
    ),
  );
}

function subgroupGrid({ subgroups }: Capabilities): SubgroupTile[] {
  const subgroupSize = subgroups?.max ?? 0;
  return [1, 2, 4, 8].flatMap((rowsPerLane) =>
    [1, 2, 4, 8].map((keysPerLane) => ({
      path: 'subgroup' as const,
      subgroupSize,
      rowsPerLane,
      keysPerLane,
    })),
  );
}

/** What a thread holds of a score tile is what compile time grows with. */
export function scoresAtOnce(tile: TileConfig): number {
  if (tile.path === 'subgroup') return tile.rowsPerLane * tile.keysPerLane * keyLanes(tile);
  return tile.rowsPerThread * 4 * (tile.unroll ? 4 : 1);
}

export function isSameTile(a: TileConfig, b: TileConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
