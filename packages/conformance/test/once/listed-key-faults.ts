import type { Fault } from './kernel-faults.ts';

/** Faults of kernels whose keys come from lists. Patterns match text that all tile paths share, or text of one path. */
export const listedKeyFaults: readonly Fault[] = [
  {
    name: 'an entry that names no key names the first',
    find: /select\(-1, i32\(key\), names_key\)/,
    replace: 'i32(select(0u, key, names_key))',
    caughtBy: 'selected-keys/none/per-kv-head/f32',
  },
  {
    name: 'a key after the sequence is read',
    find: / & \(key <= last\)/,
    replace: '',
    caughtBy: 'selected-keys/every/blocks-of-3/f32',
  },
  {
    name: 'the keys of a block are its first',
    find: /block \* SELECTED_BLOCK \+ entry % SELECTED_BLOCK/,
    replace: 'block * SELECTED_BLOCK',
    caughtBy: 'selected-keys/mixed/blocks-of-3/f32',
  },
  {
    name: 'entries after the list repeat its last',
    find: /\(entry < selected_count\(\)\) & /,
    replace: '',
    caughtBy: 'selected-keys/every/33-entries/f32',
  },
  {
    name: 'all heads share the list of the first',
    find: /work\.head \* params\.selected_head/,
    replace: '0u * params.selected_head',
    caughtBy: 'selected-keys/mixed/per-kv-head/f32',
  },
  {
    name: 'all rows share the list of the first',
    find: /position \* params\.selected_row/,
    replace: '0u * params.selected_row',
    caughtBy: 'selected-keys/mixed/per-kv-head/f32',
  },
  {
    name: 'all batch entries share the lists of the first',
    find: /work\.seq\.index \* params\.selected_batch/,
    replace: '0u * params.selected_batch',
    caughtBy: 'selected-keys/mixed/per-kv-head/f32',
  },
  {
    name: 'the stride of entries is ignored',
    find: /place \* params\.selected_entry/,
    replace: 'place',
    caughtBy: 'selected-keys/mixed/strides-reversed/f32',
  },
  {
    name: 'the rows of a group beyond the first tile are not computed',
    find: /tile % position_tiles\(\) \* TILE_M/,
    replace: '0u',
    caughtBy: 'selected-keys/mixed/heads-40x1/lq-1/f32',
  },
  {
    name: 'only the last entry of a list gives a weight',
    find: /times \+= select\(0\.0, 1\.0, /,
    replace: 'times = select(0.0, 1.0, ',
    caughtBy: 'weights/selected-keys/f32',
  },
  {
    name: 'splits overlap',
    find: /vec2<u32>\(work\.split \* per_split, min\(all/,
    replace: 'vec2<u32>(0u, min(all',
    caughtBy: 'selected-keys/mixed/per-kv-head/f32',
  },
];
