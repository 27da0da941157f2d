import { wgsl } from '@heed/core/kernel';
import type { LengthKind, RowKind } from '../config/forward.ts';
import { queryList } from './lengths.wgsl.ts';
import { packedWorkWgsl } from './packed.wgsl.ts';

/**
 * Which query tile a workgroup works on. Tile rows are positions of one head, or, grouped, positions × the query heads
 * of one kv head (head fastest), so that a decode step fills a tile.
 */
export function workWgsl(lengths: LengthKind, rows: RowKind, tileM: number): string {
  const rowsPerPosition = rows === 'group' ? ' * params.group' : '';
  return wgsl`
    const TILE_M = ${tileM}u;

    // A tile of query rows: rows first_row to first_row + TILE_M − 1 of \`rows\` in the sequence.
    struct Work {
      seq: Sequence,
      // Query head, or kv head when rows are grouped.
      head: u32,
      split: u32,
      first_row: u32,
      rows: u32,
    }

    fn workgroup_unit(id: vec3<u32>, count: vec3<u32>) -> u32 {
      return id.x + id.y * count.x;
    }

    ${lengths === 'dense' ? denseTile(rowsPerPosition) : varlenTile(rowsPerPosition)}

    fn find_work(unit: u32) -> Work {
      let tile = unit % params.tiles;
      let rest = unit / params.tiles;
      return work_of_tile(tile, rest / params.splits, rest % params.splits);
    }
  `;
}

const denseTile = (rowsPerPosition: string): string => wgsl`
  fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
    let rows = params.seqlen_q${rowsPerPosition};
    let per_sequence = (rows + TILE_M - 1u) / TILE_M;
    return Work(sequence(tile / per_sequence), head, split, tile % per_sequence * TILE_M, rows);
  }
`;

const varlenTile = (rowsPerPosition: string): string => wgsl`
  ${packedWorkWgsl('rows', queryList, (rows) => `${rows}${rowsPerPosition} / TILE_M`)}

  fn work_of_tile(tile: u32, head: u32, split: u32) -> Work {
    let rows = find_rows(tile);
    let seq = sequence_of_rows(rows.index, rows.begin, rows.end - rows.begin);
    return Work(seq, head, split, (tile - rows.first_tile) * TILE_M, seq.q_len${rowsPerPosition});
  }
`;
