import type { Capabilities, Gpu } from '@heed/core';
import type { AttentionProblem } from '../plan/attention-problem.ts';
import { gradientKey, type ProblemFacts, problemKey } from '../select/problem-facts.ts';
import { select, selectBackward, tileProblem } from '../select/selection.ts';
import type { RowKind } from '../text/parts/kinds.ts';
import { decodeGrid } from '../text/tiles/decode-tile.ts';
import { threadRows } from '../text/tiles/matrix-geometry.ts';
import { portableGrid } from '../text/tiles/portable-tile.ts';
import { keyLanes, subgroupGrid } from '../text/tiles/subgroup-tile.ts';
import {
  cannotImplement,
  cannotImplementGradient,
  tileCandidates,
  type TileConfig,
  tileShape,
} from '../text/tiles/tile-paths.ts';
import type { TunedKernel } from './attempts.ts';
import { toTunable, type Tunable, tunableFacts } from './sample.ts';

/** The candidates that `tune` times for one kernel of a problem. */
export interface TuneCandidates {
  /** The name of the problem and the kernel in `Tuning.entries`. */
  readonly key: string;
  /** The default first, then other tiles of its path, then other paths; within a path, in ascending order of code to compile. */
  readonly tiles: readonly TileConfig[];
  /** Numbers of key splits, timed with the best tile; empty if `numSplits` is fixed. */
  readonly splits: readonly number[];
  /** Tiles that this device cannot run. */
  readonly refused: readonly { readonly tile: TileConfig; readonly reason: string }[];
}

/**
 * Returns the candidates that `tune` would time for a problem, without running any: for its forward pass, then with `backward`
 * for dq, and for dk and dv.
 * @throws ValidationError an invalid problem
 * @throws UnsupportedError gradients of quantised pages
 * @example
 * const [{ key, tiles, splits }] = tuneCandidates(gpu, problem);
 */
export function tuneCandidates(
  gpu: Gpu,
  problem: AttentionProblem | Tunable,
): [forward: TuneCandidates, ...gradients: TuneCandidates[]] {
  const of = toTunable('tuneCandidates', problem);
  const facts = tunableFacts('tuneCandidates', gpu, of);
  const [forward, ...gradients] = kernelsOf(of.problem);
  const candidatesFor = (kernel: TunedKernel): TuneCandidates =>
    candidatesOf(facts, gpu.capabilities, kernel);
  return [candidatesFor(forward), ...gradients.map(candidatesFor)];
}

/** The kernels of a problem that are tuned. */
export function kernelsOf({
  backward,
}: AttentionProblem): ['forward', ...Exclude<TunedKernel, 'forward'>[]] {
  return backward ? ['forward', 'q', 'kv'] : ['forward'];
}

export function candidatesOf(
  facts: ProblemFacts,
  capabilities: Capabilities,
  kernel: TunedKernel = 'forward',
  integers = false,
): TuneCandidates {
  if (kernel !== 'forward') return gradientCandidates(facts, capabilities, kernel);
  const { config, use } = select(facts, capabilities);
  const paths = integers ? (['decode', 'integers'] as const) : (['decode'] as const);
  const ofFew = paths.flatMap((path) => decodeGrid(path, capabilities, tileProblem(facts)));
  const shipped = tileCandidates(use, capabilities, tileProblem(facts));
  const cannot = (one: TileConfig): string | undefined =>
    cannotImplement({ ...config, tile: one }, capabilities);
  return {
    key: problemKey(facts, use),
    ...sifted(
      config.tile,
      [
        ...tilesWorthTrying(use, capabilities, shipped),
        ...(use === 'group' ? othersOf(shipped, ofFew) : []),
      ],
      cannot,
    ),
    splits: facts.numSplits === 'auto' && use === 'group' ? splitsOf(facts) : [],
  };
}

function gradientCandidates(
  facts: ProblemFacts,
  capabilities: Capabilities,
  of: 'q' | 'kv',
): TuneCandidates {
  const { tile } = selectBackward(facts, of, capabilities);
  const grid = tilesWorthTrying(
    'head',
    capabilities,
    tileCandidates(of, capabilities, tileProblem(facts)),
  );
  const { dtype, kvDtype, headDim, headDimV } = facts;
  const needs = { of, qType: dtype, kvType: kvDtype, headDim, headDimV };
  const cannot = (one: TileConfig): string | undefined =>
    cannotImplementGradient({ ...needs, tile: one }, capabilities);
  return { key: gradientKey(facts, of), ...sifted(tile, grid, cannot), splits: [] };
}

/** Splits tiles into those that this device can run (the default and its path first) and those that it cannot. */
function sifted(
  first: TileConfig,
  grid: readonly TileConfig[],
  cannot: (tile: TileConfig) => string | undefined,
): Pick<TuneCandidates, 'tiles' | 'refused'> {
  const order = (one: TileConfig): number =>
    scoresAtOnce(one) + (one.path === first.path ? 0 : 1024);
  const judged = grid.map((tile) => ({ tile, reason: cannot(tile) }));
  const others = judged
    .filter(({ tile, reason }) => reason === undefined && !isSameTile(tile, first))
    .map(({ tile }) => tile)
    .toSorted((a, b) => order(a) - order(b));
  return {
    tiles: [first, ...others],
    refused: judged.filter((one): one is { tile: TileConfig; reason: string } =>
      Boolean(one.reason),
    ),
  };
}

// Keys per split; with fewer, the overhead outweighs the gain.
const MIN_KEYS = 64;

function splitsOf({ maxSeqlenK: seqlenK }: ProblemFacts): number[] {
  return [1, 2, 4, 8, 16, 32, 64, 128].filter((n) => n === 1 || n * MIN_KEYS <= seqlenK);
}

/** Returns the shipped tiles, and all others whose `tileM` suits the kind of rows. */
function tilesWorthTrying(
  use: RowKind,
  capabilities: Capabilities,
  shipped: readonly TileConfig[],
): TileConfig[] {
  // A group has few rows, which would leave most of a large tile empty.
  const [least, most] = use === 'group' ? [4, 32] : [16, 128];
  const grid = [...subgroupGrid(capabilities), ...portableGrid(capabilities)].filter((tile) => {
    const { tileM } = tileShape(tile);
    return tileM >= least && tileM <= most;
  });
  return [...shipped, ...othersOf(shipped, grid)];
}

const othersOf = (shipped: readonly TileConfig[], grid: readonly TileConfig[]): TileConfig[] =>
  grid.filter((tile) => !shipped.some((other) => isSameTile(tile, other)));

/** Returns the number of scores that a thread holds at once; compile time grows with it. */
function scoresAtOnce(tile: TileConfig): number {
  if (tile.path === 'subgroup') return tile.rowsPerLane * tile.keysPerLane * keyLanes(tile);
  if (tile.path === 'matrix') return scoresOf(threadRows(tile), tile.unroll);
  if (tile.path === 'portable') return scoresOf(tile.rowsPerThread, tile.unroll);
  return tile.rows * tile.keysPerLane;
}

const scoresOf = (rows: number, unroll: boolean): number => rows * 4 * (unroll ? 4 : 1);

function isSameTile(a: TileConfig, b: TileConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
