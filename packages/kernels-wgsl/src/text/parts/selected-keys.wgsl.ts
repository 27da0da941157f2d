import { wgsl } from '@heed/core/kernel';
import type { KernelPart } from './kernel-parts.ts';
import type { LengthKind, RowKind } from './kinds.ts';
import { strideFields, u32Fields } from './params.ts';
import { rowLayouts } from './row-layouts.wgsl.ts';

/**
 * Selected keys: the columns of a key tile are entries of the list that the tile's rows share. A list may hold anything: an
 * entry outside the keys of the sequence names none.
 * @param block number of keys that an entry names; a list of K entries then counts as one of K · block keys
 */
export function selectedPart(lengths: LengthKind, block: number): KernelPart {
  const batch = rowLayouts[lengths].batchOffset('selected', 'work.seq.index');
  const text = wgsl`
    const SELECTED_BLOCK = ${block}u;

    // The number of keys that a list can name.
    fn selected_count() -> u32 {
      return params.selected_entries * SELECTED_BLOCK;
    }

    // Key \`entry\` of the list of a tile's rows, or −1 for none. The sequence has keys, and the list has entries.
    fn selected_key(work: Work, entry: u32) -> i32 {
      let position = work.seq.q_row + row_position(work.first_row);
      let list = params.selected_offset${batch} + work.head * params.selected_head + position * params.selected_row;
      let place = min(entry / SELECTED_BLOCK, params.selected_entries - 1u);
      let block = u32(selected[list + place * params.selected_entry]);
      let last = work.seq.k_len - 1u;
      let key = block * SELECTED_BLOCK + entry % SELECTED_BLOCK;
      let names_key = (entry < selected_count()) & (block <= last / SELECTED_BLOCK) & (key <= last);
      return select(-1, i32(key), names_key);
    }
  `;
  return { fields, text };
}

/**
 * Declares `times_selected(row, key)`: how many entries of a row's list name a key.
 * @param rows which rows share a list
 */
export function timesSelectedPart(lengths: LengthKind, block: number, rows: RowKind): KernelPart {
  const batch = rowLayouts[lengths].batchOffset('selected', 'u32(row.batch)');
  const head = rows === 'group' ? 'u32(row.head) / params.group' : 'u32(row.head)';
  const text = wgsl`
    fn times_selected(row: Row, key: i32) -> f32 {
      let list = params.selected_offset${batch} + ${head} * params.selected_head + u32(row.q_row) * params.selected_row;
      let named = ${block === 1 ? 'key' : `key / ${block}`};
      var times = 0.0;
      for (var entry = 0u; entry < params.selected_entries; entry++) {
        times += select(0.0, 1.0, selected[list + entry * params.selected_entry] == named);
      }
      return times;
    }
  `;
  return { fields, text };
}

const fields = [
  ...strideFields('selected', 'offset', 'batch', 'head', 'row', 'entry'),
  ...u32Fields('selected_entries', 'group'),
];
