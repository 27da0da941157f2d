import { wgsl } from '@heed/core/kernel';
import type { LengthKind, RowKind } from '../config/forward.ts';
import { rowConstants, type VariantHooks } from '../hooks/contract.ts';
import { rowStruct } from './row.wgsl.ts';

/** Query rows: position and head of a tile's row, and where it lies in q, out and lse. */
export function rowsWgsl(lengths: LengthKind, rows: RowKind, hooks: VariantHooks): string {
  const constants = rowConstants(hooks);
  const batch = (x: string): string =>
    lengths === 'dense' ? ` + u32(row.batch) * params.${x}_batch` : '';
  return wgsl`
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
      // Rows outside every sequence have no batch entry of their own in the tables.
      let batch = min(work.seq.index, max(params.batch, 1u) - 1u);
      let head = row_head(work, inside);
      let position = row_position(inside);
      let q_len = i32(work.seq.q_len);
      let k_len = i32(work.seq.k_len);
      var row = Row();
      row.batch = i32(work.seq.index);
      row.head = i32(head);
      row.query = i32(position) + diagonal(q_len, k_len);
      ${lengths === 'dense' ? 'row.q_row = i32(work.seq.q_row + position);' : packedRow}
      row.q_len = q_len;
      row.k_row = i32(work.seq.k_row);
      row.k_len = k_len;
      ${constants.map(({ name, expression }) => `row.${name} = ${expression};`)}
      return row;
    }

    fn q_row_offset(row: Row) -> u32 {
      return params.q_offset${batch('q')} + u32(row.head) * params.q_head + u32(row.q_row) * params.q_row;
    }

    fn out_row_offset(row: Row, split: u32) -> u32 {
      return params.out_offset + split * params.out_split${batch('out')} + u32(row.head) * params.out_head + u32(row.q_row) * params.out_row;
    }

    fn lse_index(row: Row, split: u32) -> u32 {
      return params.lse_offset + split * params.lse_split${batch('lse')} + u32(row.head) * params.lse_head + u32(row.q_row) * params.lse_row;
    }
  `;
}

// Rows of no sequence go on at row 0.
const packedRow = wgsl`
  let q_row = work.seq.q_row + position;
  row.q_row = i32(select(q_row, q_row - params.seqlen_q, q_row >= params.seqlen_q));
`;
