import { wgsl } from '@heed/core/kernel';
import type { KeyKind, LengthKind } from '../config/forward.ts';

/** Key addressing: from key j of a sequence to the element offset of its row in k and in v. */
export function addressingWgsl(lengths: LengthKind, keys: KeyKind): string {
  return keys === 'paged' ? paged : strided(lengths);
}

const strided = (lengths: LengthKind): string => {
  const batch = lengths === 'dense' ? (x: string) => ` + seq.index * params.${x}_batch` : () => '';
  const offset = (x: string): string => wgsl`
    fn ${x}_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
      return params.${x}_offset${batch(x)} + head * params.${x}_head + (seq.k_row + key) * params.${x}_row;
    }
  `;
  return `${offset('k')}\n\n${offset('v')}`;
};

const paged = wgsl`
  fn page_of(seq: Sequence, key: u32) -> u32 {
    let entry = metadata[params.table + seq.index * params.table_row + key / params.page_size];
    return u32(clamp(entry, 0, i32(params.pages) - 1));
  }

  fn k_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
    return params.k_offset + page_of(seq, key) * params.k_batch + head * params.k_head + key % params.page_size * params.k_row;
  }

  fn v_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
    return params.v_offset + page_of(seq, key) * params.v_batch + head * params.v_head + key % params.page_size * params.v_row;
  }
`;
