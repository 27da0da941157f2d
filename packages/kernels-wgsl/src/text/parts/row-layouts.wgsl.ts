import { sections, wgsl } from '@heed/core/kernel';
import type { KeyKind, LengthKind } from './kinds.ts';
import { packedRowsStruct, packedWorkWgsl, queryList } from './packed-rows.wgsl.ts';

/** Texts that depend on how the sequences of a call share the rows of a tensor. */
interface RowLayoutText {
  /** Declares `sequence(b)`: the rows of sequence b. */
  readonly sequences: (keys: KeyKind) => string;
  /** Declares `work_of_tile(tile, head, split)`; `rowsPerPosition` is a factor, or empty for 1. */
  readonly tiles: (rowsPerPosition: string) => string;
  /** Declares `work_of_tile(tile, head, split)` for tiles of one position each, which has `position_tiles()` tiles. */
  readonly positionTiles: string;
  /** Sets `row.q_row`, the row index in q, from `position`, the row index within the sequence. */
  readonly queryRow: string;
  /** Returns the offset that a sequence adds to the rows of a tensor. */
  readonly batchOffset: (tensor: string, sequence: string) => string;
}

const denseSequences = wgsl`
  fn sequence(b: u32) -> Sequence {
    return Sequence(b, 0u, params.seqlen_q, 0u, used_length(b, params.seqlen_k));
  }
`;

const denseTiles = (rowsPerPosition: string): string => wgsl`
  fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
    let rows = params.seqlen_q${rowsPerPosition};
    let per_sequence = (rows + TILE_M - 1u) / TILE_M;
    return Work(sequence(tile / per_sequence), head, split, tile % per_sequence * TILE_M, rows);
  }
`;

const densePositionTiles = wgsl`
  fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
    let per_sequence = params.seqlen_q * position_tiles();
    return work_of_position(sequence(tile / per_sequence), head, split, tile % per_sequence);
  }
`;

const packedSequences = (keys: KeyKind): string =>
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

// seqlen_k is then the number of keys that a row of the block table can address.
const pagedSequence = wgsl`
  return Sequence(b, q_row, q_len, 0u, used_length(b, params.seqlen_k));
`;

const packedTiles = (rowsPerPosition: string): string => wgsl`
  ${packedWorkWgsl('rows', queryList, (rows) => `${rows}${rowsPerPosition} / TILE_M`)}

  fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
    let rows = find_rows(tile);
    let seq = sequence_of_rows(rows.index, rows.begin, rows.end - rows.begin);
    return Work(seq, head, split, (tile - rows.first_tile) * TILE_M, seq.q_len${rowsPerPosition});
  }
`;

const packedPositionTiles = wgsl`
  ${packedWorkWgsl('rows', queryList, (rows) => `${rows} * position_tiles()`)}

  fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
    let rows = find_rows(tile);
    let seq = sequence_of_rows(rows.index, rows.begin, rows.end - rows.begin);
    return work_of_position(seq, head, split, tile - rows.first_tile);
  }
`;

// Rows of no sequence go on at row 0.
const packedQueryRow = wgsl`
  let q_row = work.seq.q_row + position;
  row.q_row = i32(select(q_row, q_row - params.seqlen_q, q_row >= params.seqlen_q));
`;

export const rowLayouts: Readonly<Record<LengthKind, RowLayoutText>> = {
  dense: {
    sequences: () => denseSequences,
    tiles: denseTiles,
    positionTiles: densePositionTiles,
    queryRow: 'row.q_row = i32(work.seq.q_row + position);',
    batchOffset: (tensor, sequence) => ` + ${sequence} * params.${tensor}_batch`,
  },
  varlen: {
    sequences: packedSequences,
    tiles: packedTiles,
    positionTiles: packedPositionTiles,
    queryRow: packedQueryRow,
    batchOffset: () => '',
  },
};
