import { wgsl } from '@heed/core/kernel';

/**
 * Tiles of packed sequences: `first_<name>(b)`, where those of sequence b start, and `sequence_of_<name>(tile)`, which sequence a
 * tile belongs to.
 * @param begin how many whole tiles the rows before sequence `b` fill
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
