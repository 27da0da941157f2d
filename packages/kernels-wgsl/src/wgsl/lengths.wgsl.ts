import { sections, wgsl } from '@heed/core/kernel';
import type { KeyKind, LengthKind } from '../config/forward.ts';
import { type PackedList, packedRowsStruct } from './packed.wgsl.ts';

/**
 * Lengths: where each sequence's rows are. Values from the GPU cannot be checked by the host, so each is clamped here to
 * what the tensors hold, and nothing after this point needs to distrust a length again.
 */
export function lengthsWgsl(lengths: LengthKind, keys: KeyKind): string {
  return wgsl`
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
