import { wgsl } from '@heed/core/kernel';
import type { RowConstant } from '../hooks/contract.ts';

/** A query row as hooks see it. */
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
 * A block of pairs as hooks see it: of queries and keys, by logical position.
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

/** Logical positions, which tie the diagonal to one corner or the other. */
export const diagonalWgsl: string = wgsl`
  // What is added to a row's index to get its logical position.
  fn diagonal(q_len: i32, k_len: i32) -> i32 {
    return select(0, k_len - q_len, params.align_end != 0u);
  }
`;
