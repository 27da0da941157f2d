import { wgsl } from '@heed/core/kernel';

/** Cumulative query lengths: where sequences begin among packed rows. */
export const queryList: PackedList = { begin: (b) => `q_begin(${b})`, rows: 'params.seqlen_q' };
export const keyList: PackedList = { begin: (b) => `k_begin(${b})`, rows: 'params.seqlen_k' };

/**
 * Tiles of packed sequences: `first_<name>(b)` is the first tile of sequence b, and `sequence_of_<name>(tile)` is the
 * sequence of a tile.
 * @param begin WGSL for the number of whole tiles that the rows before sequence `b` fill
 */
export function packedTilesWgsl(name: string, begin: string): string {
  return wgsl`
    // One tile further for each sequence before: far enough apart for every length, so no maximum is needed and no tile list
    // is stored. A tile that falls into the slack lies beyond its sequence.
    fn first_${name}(b: u32) -> u32 {
      return ${begin} + b;
    }

    fn sequence_of_${name}(tile: u32) -> u32 {
      var low = 0u;
      var high = params.batch;
      while (low < high) {
        let middle = (low + high + 1u) / 2u;
        if (first_${name}(middle) <= tile) {
          low = middle;
        } else {
          high = middle - 1u;
        }
      }
      return low;
    }
  `;
}

/** A list of cumulative lengths: WGSL for its entry `b`, clamped to the number of rows, and WGSL for that number. */
export interface PackedList {
  readonly begin: (b: string) => string;
  readonly rows: string;
}

/**
 * Assigns work on packed rows: `find_<name>(tile)` returns the rows of a tile. Lists on the GPU may hold anything, so the
 * bounds of the search clamp each entry, which makes the entries ascend. Rows before the first sequence follow those after
 * the last. So every row has one tile, and belongs to one sequence or to none, which has number `batch`.
 * @param tiles WGSL for the number of whole tiles that a number of rows fills
 */
export function packedWorkWgsl(
  name: string,
  { begin, rows }: PackedList,
  tiles: (rows: string) => string,
): string {
  return wgsl`
    // A sequence begins one tile further for each one before: far enough apart for every length, so no maximum is needed and no
    // tile list is stored. A tile that falls into the slack lies beyond its sequence.
    fn find_${name}(tile: u32) -> PackedRows {
      let origin = ${begin('0u')};
      var found = PackedRows(0u, origin, ${rows}, 0u);
      var high = params.batch;
      while (found.index < high) {
        let middle = (found.index + high + 1u) / 2u;
        let begin = clamp(${begin('middle')}, found.begin, found.end);
        let first_tile = ${tiles('(begin - origin)')} + middle;
        if (first_tile <= tile) {
          found = PackedRows(middle, begin, found.end, first_tile);
        } else {
          found.end = begin;
          high = middle - 1u;
        }
      }
      if (found.index == params.batch) {
        found.end += origin;
      }
      return found;
    }
  `;
}

/** Result of the search of {@link packedWorkWgsl}. */
export const packedRowsStruct: string = wgsl`
  // Rows begin to end − 1 of sequence \`index\`, and the first of their tiles. Rows of no sequence go on at row 0.
  struct PackedRows {
    index: u32,
    begin: u32,
    end: u32,
    first_tile: u32,
  }
`;
