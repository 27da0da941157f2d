import type { Capabilities, Gpu } from '@heed/core';
import type { RowKind } from '../config/forward.ts';
import { checkProblem } from '../plan/check.ts';
import { type AttentionProblem, factsOfProblem, type ProblemFacts } from '../plan/problem.ts';
import { problemKey } from '../plan/problem-key.ts';
import { select } from '../plan/select.ts';
import { candidates, isSoftware } from '../plan/tile-table.ts';
import type { PortableTile } from '../tiles/portable/config.ts';
import { cannotImplement, tileShape } from '../tiles/compute.ts';
import { keyLanes, type SubgroupTile } from '../tiles/subgroup/config.ts';
import type { TileConfig } from '../tiles/tile.ts';

/** What `tune` would try for a problem. */
export interface TuneCandidates {
  /** The problem's name in `Tuning.entries`. */
  readonly key: string;
  /** The default first, then others of its path; of a path, what has the least text to compile first. */
  readonly tiles: readonly TileConfig[];
  /** Splits of the keys, tried with the best of the tiles; empty where they are not to be chosen. */
  readonly splits: readonly number[];
  /** What this device cannot run. */
  readonly refused: readonly { readonly tile: TileConfig; readonly reason: string }[];
}

/**
 * The kernels that `tune` would time for a problem, without running any.
 * @throws ValidationError a problem that cannot be
 * @example
 * const { key, tiles, splits } = tuneCandidates(gpu, problem);
 */
export function tuneCandidates(gpu: Gpu, problem: AttentionProblem): TuneCandidates {
  checkProblem(problem, 'tuneCandidates');
  return candidatesOf(factsOfProblem(problem), gpu.capabilities);
}

export function candidatesOf(facts: ProblemFacts, capabilities: Capabilities): TuneCandidates {
  const { config } = select(facts, capabilities);
  const { rows, tile } = config;
  const order = (one: TileConfig): number =>
    scoresAtOnce(one) + (one.path === tile.path ? 0 : 1024);
  const grid = tileGrid(rows, capabilities).map((one) => ({
    tile: one,
    reason: cannotImplement({ ...config, tile: one }, capabilities),
  }));
  const others = grid
    .filter((one) => one.reason === undefined && !isSame(one.tile, tile))
    .map((one) => one.tile)
    .toSorted((a, b) => order(a) - order(b));
  return {
    key: problemKey(facts, rows),
    tiles: [tile, ...others],
    splits: facts.numSplits === 'auto' && rows === 'group' ? splitsOf(facts) : [],
    refused: grid.filter((one): one is { tile: TileConfig; reason: string } => Boolean(one.reason)),
  };
}

const isSame = (a: TileConfig, b: TileConfig): boolean => JSON.stringify(a) === JSON.stringify(b);

/** All tiles of a size that is worth a try, and the shipped ones. */
function tileGrid(rows: RowKind, capabilities: Capabilities): TileConfig[] {
  const software = isSoftware(capabilities);
  // Few rows of a group fill a small tile, and leave most of a large one empty.
  const [least, most] = rows === 'group' ? [4, 32] : [16, 128];
  const shipped = candidates(rows, capabilities, undefined);
  const grid = [
    ...subgroupGrid(capabilities),
    // A compiler that unrolls anyway gets no second reason to.
    ...portableGrid(software ? [false] : [true, false]),
  ].filter((tile) => {
    const { tileM } = tileShape(tile);
    return tileM >= least && tileM <= most;
  });
  return [...shipped, ...grid.filter((tile) => !shipped.some((other) => isSame(tile, other)))];
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
function scoresAtOnce(tile: TileConfig): number {
  if (tile.path === 'subgroup') return tile.rowsPerLane * tile.keysPerLane * keyLanes(tile);
  return tile.rowsPerThread * 4 * (tile.unroll ? 4 : 1);
}

// A shorter split is all overhead.
const MIN_KEYS = 64;

function splitsOf({ seqlenK }: ProblemFacts): number[] {
  return [1, 2, 4, 8, 16, 32, 64].filter((n) => n === 1 || n * MIN_KEYS <= seqlenK);
}
