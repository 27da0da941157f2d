import { sections, wgsl } from '@heed/core/kernel';
import type { KeyKind, LengthKind } from './kinds.ts';
import type { KernelPart } from './kernel-parts.ts';
import { u32Fields } from './params.ts';

/**
 * Lengths: where each sequence's rows are. Values from the GPU cannot be checked by the host, so each is clamped here to
 * what the tensors hold, and nothing after this point needs to distrust a length again.
 */
export function lengthsPart(lengths: LengthKind, keys: KeyKind): KernelPart {
  const fields = u32Fields('batch', 'seqlen_q', 'seqlen_k', 'cu_q', 'cu_k', 'used_k');
  const text = wgsl`
    struct Sequence {
      index: u32,
      q_row: u32,
      q_len: u32,
      k_row: u32,
      k_len: u32,
    }

    fn clamp_length(length: i32, most: u32) -> u32 {
      return u32(clamp(length, 0, i32(most)));
    }

    fn used_length(b: u32, slot: u32) -> u32 {
      if (params.used_k == NONE) {
        return slot;
      }
      return clamp_length(metadata[params.used_k + b], slot);
    }

    ${lengths === 'dense' ? dense : varlen(keys)}
  `;
  return { fields, text };
}

const dense = wgsl`
  fn sequence(b: u32) -> Sequence {
    return Sequence(b, 0u, params.seqlen_q, 0u, used_length(b, params.seqlen_k));
  }
`;

const varlen = (keys: KeyKind): string =>
  sections(
    packedRowsStruct,
    queryBegin,
    keys === 'strided' && keyBegin,
    wgsl`
      // Sequence b, whose query rows are known.
      fn sequence_of_rows(b: u32, q_row: u32, q_len: u32) -> Sequence {
        if (b == params.batch) {
          return Sequence(b, q_row, q_len, 0u, 0u);
        }
        ${keys === 'paged' ? pagedSequence : packedSequence}
      }

      fn sequence(b: u32) -> Sequence {
        let q_row = q_begin(b);
        if (b == params.batch) {
          return sequence_of_rows(b, q_row, params.seqlen_q - q_row);
        }
        return sequence_of_rows(b, q_row, max(q_row, q_begin(b + 1u)) - q_row);
      }
    `,
  );

const queryBegin = wgsl`
  // Sequences are numbered 0 to batch − 1; number \`batch\` is the rows of none, which see no key.
  fn q_begin(b: u32) -> u32 {
    return clamp_length(metadata[params.cu_q + b], params.seqlen_q);
  }
`;

const keyBegin = wgsl`
  fn k_begin(b: u32) -> u32 {
    return clamp_length(metadata[params.cu_k + b], params.seqlen_k);
  }
`;

const packedSequence = wgsl`
  let k_row = k_begin(b);
  let k_end = k_begin(b + 1u);
  return Sequence(b, q_row, q_len, k_row, used_length(b, max(k_row, k_end) - k_row));
`;

// seqlen_k is then what a row of the block table can address.
const pagedSequence = wgsl`
  return Sequence(b, q_row, q_len, 0u, used_length(b, params.seqlen_k));
`;

/** Where sequences begin among packed rows, by the lists as they are. */
export const queryList: PackedList = { begin: (b) => `q_begin(${b})`, rows: 'params.seqlen_q' };
export const keyList: PackedList = { begin: (b) => `k_begin(${b})`, rows: 'params.seqlen_k' };

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

/** A list of cumulative lengths: its entry `b` as WGSL, clamped to the rows there are, and their number. */
interface PackedList {
  readonly begin: (b: string) => string;
  readonly rows: string;
}

/**
 * Work on packed rows: `find_<name>(tile)`, the rows that a tile is of. Lists on the GPU may say anything: an entry counts as what
 * the search's bounds make of it, so that they ascend whatever they say, and rows before the first sequence follow those after the
 * last. So every row is of one sequence or of none, which is number `batch`, and has one tile.
 * @param tiles how many whole tiles so many rows fill
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

/** What {@link packedWorkWgsl} finds. */
const packedRowsStruct: string = wgsl`
  // Rows begin to end − 1 of sequence \`index\`, and the first of their tiles. Rows of no sequence go on at row 0.
  struct PackedRows {
    index: u32,
    begin: u32,
    end: u32,
    first_tile: u32,
  }
`;
