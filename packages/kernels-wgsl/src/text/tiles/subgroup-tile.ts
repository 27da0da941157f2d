import type { Capabilities } from '@heed/core';
import type { TileShape } from '../parts/kinds.ts';
import { deviceClass } from './device-class.ts';
import type { TileClass, TileUse } from './tile-path.ts';

/** Each lane owns whole query rows. The lanes of a subgroup each own some keys and broadcast them to the others. */
export interface SubgroupTile {
  readonly path: 'subgroup';
  /** The device's only subgroup size. */
  readonly subgroupSize: number;
  /** Query rows per lane. */
  readonly rowsPerLane: number;
  /** Keys per lane and tile. */
  readonly keysPerLane: number;
  /** Whether sums are stored behind branches and lanes are read by shuffles, in place of an index and a broadcast. */
  readonly branches: boolean;
}

/** Returns the number of lanes whose keys are broadcast: all lanes, up to the number worth unrolling. */
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
 * Limit of a lane's scores per tile. Compile time grows faster than these numbers, and a gradient has twice as much text per
 * score.
 */
const maxScores = { forward: 256, gradient: 128 } as const;

export const subgroupTiles: TileClass<SubgroupTile> = {
  enables: () => ['subgroups'],
  shape: subgroupShape,
  cannot(tile, { subgroups }, kernel) {
    if (!subgroups) return 'the device has no subgroups';
    if (subgroups.min !== subgroups.max) {
      return `broadcast lanes must be constants, and subgroups have ${subgroups.min} to ${subgroups.max} lanes here`;
    }
    if (subgroups.max !== tile.subgroupSize) {
      return `the tile is for subgroups of ${tile.subgroupSize}; the device has ${subgroups.max}`;
    }
    const scores = tile.rowsPerLane * subgroupShape(tile).tileN;
    const most = maxScores[kernel === 'forward' ? 'forward' : 'gradient'];
    if (scores > most) {
      return `${tile.rowsPerLane} rows × ${subgroupShape(tile).tileN} keys per lane exceed ${most} scores`;
    }
    return undefined;
  },
  isDefault: (_, capabilities) =>
    deviceClass(capabilities).broadcasts && Boolean(capabilities.subgroups),
  defaults(use, capabilities, { headDim, headDimV, isSelected, groupRows }) {
    const subgroupSize = capabilities.subgroups?.max ?? 0;
    const { branches } = deviceClass(capabilities);
    const lanes = lanesFor[use];
    const keysPerLane = use === 'head' && branches ? 2 : lanes.keysPerLane;
    const isLong = Math.max(headDim, headDimV) > LONG_ROW;
    // A tile of selected keys has no rows but those of one group.
    const needed = isSelected ? Math.max(1, Math.ceil(groupRows / subgroupSize)) : Infinity;
    const rowsPerLane = Math.min(lanes.rowsPerLane, isLong ? 2 : Infinity, needed);
    return [{ path: 'subgroup', subgroupSize, rowsPerLane, keysPerLane, branches }];
  },
  keyTurns: (tile) => tile.keysPerLane,
};

// Rows share each broadcast, keys each pass over the accumulators; of 1 to 8 rows and 1 to 4 keys per lane, these were the
// fastest that compile within 3 s. Behind branches a pass costs less, so that 2 keys suffice for a head. Sums of table gradients are much text per score: fewer scores per lane.
const lanesFor: Readonly<Record<TileUse, Pick<SubgroupTile, 'rowsPerLane' | 'keysPerLane'>>> = {
  head: { rowsPerLane: 4, keysPerLane: 4 },
  group: { rowsPerLane: 1, keysPerLane: 4 },
  q: { rowsPerLane: 4, keysPerLane: 2 },
  kv: { rowsPerLane: 4, keysPerLane: 2 },
  tables: { rowsPerLane: 1, keysPerLane: 2 },
};

// Longer rows have a branch for each vector that a lane stores: half as many rows compile in half the time, and run as fast.
const LONG_ROW = 256;

/** Returns the tiles that `tune` tries. */
export function subgroupGrid(capabilities: Capabilities): SubgroupTile[] {
  const subgroupSize = capabilities.subgroups?.max ?? 0;
  const { branches } = deviceClass(capabilities);
  return [1, 2, 4, 8].flatMap((rowsPerLane) =>
    [1, 2, 4, 8].map((keysPerLane) => ({
      path: 'subgroup' as const,
      subgroupSize,
      rowsPerLane,
      keysPerLane,
      branches,
    })),
  );
}
