import { sections, wgsl } from '@heed/core/kernel';
import type { KeyKind, LengthKind } from './kinds.ts';
import type { KernelPart } from './kernel-parts.ts';
import { strideFields, u32Fields } from './params.ts';
import { rowLayouts } from './row-layouts.wgsl.ts';

type Operand = 'k' | 'v';

/**
 * Key addressing: maps key j of a sequence to the element offsets of its rows in k and in v, and to the row index that mods
 * see.
 * @param of the tensors that the kernel reads
 */
export function addressingPart(
  lengths: LengthKind,
  keys: KeyKind,
  of: readonly Operand[] = ['k', 'v'],
): KernelPart {
  return { fields, text: keys === 'paged' ? paged(of) : strided(lengths, of) };
}

// For paged keys, `batch` is the page stride.
const fields = [
  ...strideFields('k', 'offset', 'batch', 'head', 'row'),
  ...strideFields('v', 'offset', 'batch', 'head', 'row'),
  ...u32Fields('table', 'table_row', 'pages', 'page_size'),
];

const strided = (lengths: LengthKind, of: readonly Operand[]): string => {
  const { batchOffset } = rowLayouts[lengths];
  const offset = (x: Operand): string => wgsl`
    fn ${x}_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
      return params.${x}_offset${batchOffset(x, 'seq.index')} + head * params.${x}_head + (seq.k_row + key) * params.${x}_row;
    }
  `;
  return wgsl`
    ${sections(...of.map(offset))}

    fn kv_row(row: Row, key: i32) -> i32 {
      return row.k_row + key;
    }
  `;
};

const paged = (of: readonly Operand[]): string => {
  const offset = (x: Operand): string => wgsl`
    fn ${x}_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
      return params.${x}_offset + page_of(seq.index, key) * params.${x}_batch + head * params.${x}_head + key % params.page_size * params.${x}_row;
    }
  `;
  return wgsl`
    fn page_of(sequence_index: u32, key: u32) -> u32 {
      let entry = metadata[params.table + sequence_index * params.table_row + key / params.page_size];
      return u32(clamp(entry, 0, i32(params.pages) - 1));
    }

    ${sections(...of.map(offset))}

    fn kv_row(row: Row, key: i32) -> i32 {
      return i32(page_of(u32(row.batch), u32(key)) * params.page_size + u32(key) % params.page_size);
    }
  `;
};
