import { wgsl } from '@heed/core/kernel';
import { type CascadePass, ownRow, prefixRow, prefixWork, queryRowOf } from './cascade.wgsl.ts';
import { type RowConstant, rowConstants, type VariantHooks } from './hook.ts';
import type { LengthKind, RowKind } from './kinds.ts';
import { rowLayouts } from './row-layouts.wgsl.ts';
import type { KernelPart } from './kernel-parts.ts';
import { strideFields, u32Fields } from './params.ts';

/** Returns the struct of a query row that hooks see. */
export function rowStruct(constants: readonly RowConstant[]): string {
  return wgsl`
    struct Row {
      batch: i32,
      head: i32,
      // Logical position, which masks and mods see.
      query: i32,
      q_row: i32,
      q_len: i32,
      k_row: i32,
      k_len: i32,
      ${constants.map(({ name, type }) => `${name}: ${type},`)}
    }
  `;
}

/**
 * Returns the struct of a block of query–key pairs that hooks see, by logical position.
 * @param more fields that hooks do not see
 */
export const spanStruct = (more: string = ''): string => wgsl`
  struct Span {
    batch: i32,
    head_first: i32,
    head_last: i32,
    query_first: i32,
    query_last: i32,
    key_first: i32,
    key_last: i32,
    q_len: i32,
    k_len: i32,
    ${more}
  }
`;

/** Logical positions, which align the diagonal with the first or the last corner. */
export const diagonalPart: KernelPart = {
  fields: u32Fields('align_end'),
  text: wgsl`
  // What is added to a row's index to get its logical position.
  fn diagonal(q_len: i32, k_len: i32) -> i32 {
    return select(0, k_len - q_len, params.align_end != 0u);
  }
`,
};

/**
 * Assigns a query tile to a workgroup. The rows of a tile are positions of one head or, grouped, positions × the query heads
 * of one kv head (head fastest), so that a decode step fills a tile.
 * @param byPosition whether a tile has rows of one position only, which share a list of selected keys; default false
 * @param pass `prefix`: the rows of a tile belong to all sequences of a group
 */
export function workPart(
  lengths: LengthKind,
  rows: RowKind,
  tileM: number,
  byPosition = false,
  pass?: CascadePass,
): KernelPart {
  const fields = u32Fields('tiles', 'splits', 'batch', 'group', 'seqlen_q');
  const rowsPerPosition = rows === 'group' ? ' * params.group' : '';
  const text = wgsl`
    const TILE_M = ${tileM}u;

    ${
      byPosition
        ? '// A tile of query rows: rows first_row to first_row + TILE_M − 1, of those below `rows`, which end with their position.'
        : '// A tile of query rows: rows first_row to first_row + TILE_M − 1 of `rows` in the sequence.'
    }
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

    ${pass === 'prefix' ? prefixWork : byPosition ? positionWork(lengths, rows) : rowLayouts[lengths].tiles(rowsPerPosition)}

    fn find_work(unit: u32) -> Work {
      let tile = unit % params.tiles;
      let rest = unit / params.tiles;
      return work_of_tile(tile, rest / params.splits, rest % params.splits);
    }
  `;
  return { fields, text };
}

/** Tiles of one position each. A tile beyond the sequence has no rows. */
const positionWork = (lengths: LengthKind, rows: RowKind): string => wgsl`
  ${rows === 'group' ? groupPositions : rowPositions}

  ${rowLayouts[lengths].positionTiles}
`;

const groupPositions = wgsl`
  fn position_tiles() -> u32 {
    return (params.group + TILE_M - 1u) / TILE_M;
  }

  fn work_of_position(seq: Sequence, head: u32, split: u32, tile: u32) -> Work {
    let position = tile / position_tiles();
    let first_row = position * params.group + tile % position_tiles() * TILE_M;
    return Work(seq, head, split, first_row, select(0u, (position + 1u) * params.group, position < seq.q_len));
  }
`;

const rowPositions = wgsl`
  fn position_tiles() -> u32 {
    return 1u;
  }

  fn work_of_position(seq: Sequence, head: u32, split: u32, tile: u32) -> Work {
    return Work(seq, head, split, tile, select(0u, tile + 1u, tile < seq.q_len));
  }
`;

/** Query rows: the position and head of each row of a tile. */
export function rowsPart(
  lengths: LengthKind,
  rows: RowKind,
  hooks: VariantHooks,
  pass?: CascadePass,
): KernelPart {
  const constants = rowConstants(hooks);
  const text = wgsl`
    ${rowStruct(constants)}

    fn row_head(work: Work, index: u32) -> u32 {
      ${rows === 'group' ? 'return work.head * params.group + index % params.group;' : 'return work.head;'}
    }

    fn row_position(index: u32) -> u32 {
      ${rows === 'group' ? 'return index / params.group;' : 'return index;'}
    }

    fn kv_head(work: Work) -> u32 {
      ${rows === 'group' ? 'return work.head;' : 'return work.head / params.group;'}
    }

    // Row \`index\` of the sequence; one beyond the end is a copy of the last, and is not stored.
    fn make_row(work: Work, index: u32) -> Row {
      let inside = min(index, work.rows - 1u);
      ${pass === 'prefix' ? prefixRow : ownRow}
      var row = Row();
      row.batch = ${pass === 'prefix' ? 'i32(batch)' : 'i32(work.seq.index)'};
      row.head = i32(head);
      row.query = i32(position) + diagonal(q_len, k_len);
      ${queryRowOf(lengths, pass)}
      row.q_len = q_len;
      row.k_row = i32(work.seq.k_row);
      row.k_len = k_len;
      ${constants.map(({ name, expression }) => `row.${name} = ${expression};`)}
      return row;
    }
  `;
  return { fields: u32Fields('batch', 'group', 'seqlen_q'), text };
}

/** Declares `<tensor>_row_offset(row)`: the offset of a query row in a tensor, in elements. */
export function rowOffsetPart(tensor: string, lengths: LengthKind): KernelPart {
  const text = wgsl`
    fn ${tensor}_row_offset(row: Row) -> u32 {
      return params.${tensor}_offset${rowOffset(tensor, lengths)};
    }
  `;
  return { fields: strideFields(tensor, 'offset', 'batch', 'head', 'row'), text };
}

/** Declares `<name>(row, split)`: the offset of a query row in a tensor that has one part per split. */
export function splitRowOffsetPart(name: string, tensor: string, lengths: LengthKind): KernelPart {
  const text = wgsl`
    fn ${name}(row: Row, split: u32) -> u32 {
      return params.${tensor}_offset + split * params.${tensor}_split${rowOffset(tensor, lengths)};
    }
  `;
  return { fields: strideFields(tensor, 'offset', 'batch', 'head', 'row', 'split'), text };
}

const rowOffset = (tensor: string, lengths: LengthKind): string =>
  `${rowLayouts[lengths].batchOffset(tensor, 'u32(row.batch)')} + u32(row.head) * params.${tensor}_head + u32(row.q_row) * params.${tensor}_row`;
