import { wgsl, type WgslPart } from '@heed/core/kernel';
import { diagonalHooks, isLong, type ScoreHook, type VariantHooks } from '../parts/hook.ts';
import type { RowKind } from '../parts/kinds.ts';
import { each, plus } from '../parts/repeat.ts';
import type { TileScore } from '../parts/score-chain.wgsl.ts';
import { keyLanes, subgroupShape, type SubgroupTile } from './subgroup-tile.ts';

/**
 * The hooks' values for the diagonals of a lane's scores: those with one offset = query − key share it. Rows of a lane are a
 * subgroup apart, so in lanes of 8 the 128 scores of 4 rows and 32 keys have 56 offsets. Registers `diagonal<hook>_<i>`,
 * from the least offset on: an array that a loop indexes gains less than half as much.
 */
export interface Diagonals {
  /** Whether there are any; else each score computes its own, and all is empty. */
  readonly isKept: boolean;
  /** Before the loop over tiles. */
  readonly declare: WgslPart;
  /** In a tile, before its scores. */
  readonly fill: WgslPart;
  /** Those of the score of row r and vector n. */
  readonly of: (r: number, n: number) => Pick<TileScore, 'diagonals'>;
}

/** Of tiles whose rows are queries. The next tile of keys begins where this one ends, and most of its values are there. */
export function queryDiagonals(
  tile: SubgroupTile,
  { scores }: VariantHooks,
  rows: RowKind = 'head',
): Diagonals {
  const { apart, tileN, lanes } = sizes(tile);
  const kept = keep(tile, rows === 'head' ? scores : [], {
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

/** Of tiles whose rows are keys. */
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

/** A lane's first and last row are `apart`, so its scores have apart + tileN offsets; `lanes` are computed in a turn. */
function sizes(tile: SubgroupTile): { apart: number; tileN: number; lanes: number } {
  const { tileN } = subgroupShape(tile);
  return { apart: tile.subgroupSize * (tile.rowsPerLane - 1), tileN, lanes: keyLanes(tile) };
}

/** Where a tile's values come from, and where they go. */
interface Place {
  /** A row of the tile. */
  readonly row: string;
  /** The least offset of the first turn. */
  readonly offset: string;
  /** Turns whose values are there already. */
  readonly start: string;
  /** The register of the score of row r and vector n. */
  readonly index: (r: number, n: number) => number;
}

function keep(tile: SubgroupTile, scores: readonly ScoreHook[], place: Place): Diagonals {
  const { apart, tileN, lanes } = sizes(tile);
  const { row, offset, start, index } = place;
  const isShared = tile.rowsPerLane > 1 && tile.subgroupSize < tileN;
  // Statements in a loop over scores could not name a register by the score.
  const names = isShared && !isLong(scores) ? diagonalHooks(scores) : [];
  const isKept = names.length > 0;
  const register = (hook: number, i: number): string => `diagonal${hook}_${i}`;
  const all = (text: (i: number, hook: number, name: string) => string, count: number): string[] =>
    names.flatMap((name, hook) => each(count)((i) => text(i, hook, name)));
  const last = apart + tileN - 1;
  return {
    isKept,
    declare: all((i, hook) => `var ${register(hook, i)} = 0.0;`, last + 1),
    // From the greatest offset down: in each turn the values move up by as many registers as it computes.
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
