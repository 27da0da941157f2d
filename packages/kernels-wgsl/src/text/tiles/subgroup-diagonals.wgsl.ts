import { wgsl, type WgslPart } from '@heed/core/kernel';
import { diagonalHooks, isLong, type ScoreHook, type VariantHooks } from '../parts/hook.ts';
import { each, plus } from '../parts/repeat.ts';
import type { TileScore } from '../parts/score-chain.wgsl.ts';
import type { ForwardConfig } from './kernel-config.ts';
import { keyLanes, subgroupShape, type SubgroupTile } from './subgroup-tile.ts';

/**
 * Keeps the hooks' values for the diagonals of a lane's scores: scores with equal offset = query − key share one value. A
 * lane's rows are subgroupSize apart: with 8 lanes, the 128 scores of 4 rows and 32 keys have 56 distinct offsets. The
 * values are in registers `diagonal<hook>_<i>`, from the least offset on, because an array indexed by a loop gains less than
 * half as much.
 */
export interface Diagonals {
  /** Whether values are kept; otherwise each score computes its own, and all texts are empty. */
  readonly isKept: boolean;
  /** Text before the loop over tiles. */
  readonly declare: WgslPart;
  /** Text within a tile, before its scores. */
  readonly fill: WgslPart;
  /** Returns the values for the score of row r and vector n. */
  readonly of: (r: number, n: number) => Pick<TileScore, 'diagonals'>;
}

/**
 * Returns the diagonals of tiles whose rows are queries. Consecutive key tiles are adjacent, so a tile reuses most values of
 * the last one. Selected keys are not adjacent, and have none.
 */
export function queryDiagonals(
  tile: SubgroupTile,
  { hooks, rows, selectedBlock }: Pick<ForwardConfig, 'hooks' | 'rows' | 'selectedBlock'>,
): Diagonals {
  const { apart, tileN, lanes } = sizes(tile);
  const isAdjacent = rows === 'head' && selectedBlock === 0;
  const kept = keep(tile, isAdjacent ? hooks.scores : [], {
    row: 'row0',
    offset: plus('row0.query - i32(first_key)', apart - lanes + 1, ''),
    start: `select(0u, ${apart / lanes}u, first_key == next_key)`,
    index: (r, n) => r * tile.subgroupSize + tileN - 1 - n,
  });
  return {
    ...kept,
    declare: kept.isKept && [kept.declare, 'var next_key = NONE;'],
    fill: kept.isKept && [kept.fill, 'next_key = first_key + TILE_N;'],
  };
}

/** Returns the diagonals of tiles whose rows are keys. */
export function keyDiagonals(tile: SubgroupTile, { scores }: VariantHooks): Diagonals {
  const { apart, tileN, lanes } = sizes(tile);
  const kept = keep(tile, scores, {
    row: 'tile_row',
    offset: plus('tile_row.query - i32(key0)', tileN - lanes, ''),
    start: '0u',
    index: (r, n) => apart - r * tile.subgroupSize + n,
  });
  const row = 'let tile_row = make_row(work, work.first_row);';
  return { ...kept, fill: kept.isKept && [row, kept.fill] };
}

/**
 * A lane's first and last row are `apart` rows apart, so its scores have apart + tileN offsets; each turn computes `lanes`
 * of them.
 */
function sizes(tile: SubgroupTile): { apart: number; tileN: number; lanes: number } {
  const { tileN } = subgroupShape(tile);
  return { apart: tile.subgroupSize * (tile.rowsPerLane - 1), tileN, lanes: keyLanes(tile) };
}

/** Source and destination of a tile's values. */
interface Place {
  /** A row of the tile. */
  readonly row: string;
  /** Least offset of the first turn. */
  readonly offset: string;
  /** Number of the first turn to compute; the values of earlier turns are already present. */
  readonly start: string;
  /** Returns the register index of the score of row r and vector n. */
  readonly index: (r: number, n: number) => number;
}

function keep(tile: SubgroupTile, scores: readonly ScoreHook[], place: Place): Diagonals {
  const { apart, tileN, lanes } = sizes(tile);
  const { row, offset, start, index } = place;
  const isShared = tile.rowsPerLane > 1 && tile.subgroupSize < tileN;
  // In a loop over scores, a statement could not select a register by the score.
  const names = isShared && !isLong(scores) ? diagonalHooks(scores) : [];
  const isKept = names.length > 0;
  const register = (hook: number, i: number): string => `diagonal${hook}_${i}`;
  const all = (text: (i: number, hook: number, name: string) => string, count: number): string[] =>
    names.flatMap((name, hook) => each(count)((i) => text(i, hook, name)));
  const last = apart + tileN - 1;
  return {
    isKept,
    declare: all((i, hook) => `var ${register(hook, i)} = 0.0;`, last + 1),
    // From the greatest offset down: each turn moves the values up by the number of registers that it computes.
    fill: wgsl`
      // One value for all scores with the same query − key.
      for (var turn = ${start}; turn < params.key_turns + ${apart / lanes}u; turn++) {
        let offset = ${offset} - i32(turn * ${lanes}u);
        ${all((i, hook) => `${register(hook, last - i)} = ${register(hook, last - i - lanes)};`, last + 1 - lanes)}
        ${all((i, hook, name) => `${register(hook, i)} = diagonal_${name}(${row}, ${plus('offset', i, '')});`, lanes)}
      }
    `,
    of: (r, n) =>
      isKept ? { diagonals: names.map((_, hook) => register(hook, index(r, n))) } : {},
  };
}
