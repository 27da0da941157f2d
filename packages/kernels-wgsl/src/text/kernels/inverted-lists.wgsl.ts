import { memoized, threadMain, wgsl } from '@heed/core/kernel';
import { variantHooks } from '../parts/hook.ts';
import { addressingPart } from '../parts/key-addressing.wgsl.ts';
import {
  type AnyPart,
  type ComposedKernel,
  composeKernel,
  type StorageBinding,
} from '../parts/kernel-parts.ts';
import type { KeyKind, LengthKind } from '../parts/kinds.ts';
import { lengthsPart } from '../parts/lengths.wgsl.ts';
import { none, u32Fields } from '../parts/params.ts';
import { diagonalPart, rowsPart, workPart } from '../parts/query-rows.wgsl.ts';
import { selectedPart } from '../parts/selected-keys.wgsl.ts';

/** Everything that the kernels' WGSL depends on. */
export interface InvertedConfig {
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  /** Number of keys that an entry names. */
  readonly selectedBlock: number;
}

const invertedKey = ({ lengths, keys, selectedBlock }: InvertedConfig): string =>
  `${lengths} ${keys} selected=${selectedBlock}`;

/** Names the slot of every pair of a list and an entry: the place of its key among the rows of k, or \`slot_end\` for none. */
export const pairSlotsSource: (config: InvertedConfig) => ComposedKernel = memoized(
  invertedKey,
  (config) =>
    invertedKernel(
      config,
      'pair slots',
      [{ name: 'slots', kind: 'write', element: 'u32' }],
      [
        slotPart(config.keys),
        {
          fields: u32Fields('slot_end'),
          text: threadMain(
            'pair',
            wgsl`
            if (pair >= params.pairs) {
              return;
            }
            let list = pair / params.list_length;
            let work = list_work(list);
            let key = pair_key(work, pair % params.list_length);
            var slot = params.slot_end;
            if (key >= 0) {
              slot = list / params.group_lists / params.tiles * params.slots + slot_of(work.seq, u32(key));
            }
            slots[pair] = slot;
          `,
          ),
        },
      ],
    ),
);

/**
 * Writes the inverted lists from the sorted slots of all pairs: where the pairs of each slot begin, then the list and the key of each
 * pair.
 */
export const invertSource: (config: InvertedConfig) => ComposedKernel = memoized(
  invertedKey,
  (config) =>
    invertedKernel(
      config,
      'inverted lists',
      [
        { name: 'sorted_slots', kind: 'read', element: 'u32' },
        { name: 'sorted_pairs', kind: 'read', element: 'u32' },
        { name: 'inverted', kind: 'write', element: 'u32' },
      ],
      [
        {
          fields: u32Fields('slot_end', 'pairs_at'),
          text: wgsl`
            // The first of the sorted pairs whose slot is at least \`slot\`.
            fn first_of(slot: u32) -> u32 {
              var low = 0u;
              var high = params.pairs;
              while (low < high) {
                let middle = (low + high) / 2u;
                if (sorted_slots[middle] < slot) {
                  low = middle + 1u;
                } else {
                  high = middle;
                }
              }
              return low;
            }

            ${threadMain(
              'thread',
              wgsl`
                if (thread <= params.slot_end) {
                  inverted[thread] = first_of(thread);
                }
                if (thread < params.pairs) {
                  let pair = sorted_pairs[thread];
                  let list = pair / params.list_length;
                  let at = params.pairs_at + 2u * thread;
                  inverted[at] = list;
                  inverted[at + 1u] = u32(pair_key(list_work(list), pair % params.list_length));
                }
              `,
            )}
          `,
        },
      ],
    ),
);

function invertedKernel(
  config: InvertedConfig,
  name: string,
  more: readonly StorageBinding[],
  parts: readonly AnyPart[],
): ComposedKernel {
  const { lengths, keys, selectedBlock } = config;
  return composeKernel({
    label: `heed/${name} ${invertedKey(config)}`,
    head: [`// ${name} ${invertedKey(config)}`, none],
    bindings: [
      { name: 'metadata', kind: 'read', element: 'i32' },
      { name: 'selected', kind: 'read', element: 'i32' },
      ...more,
    ],
    parts: [
      lengthsPart(lengths, keys),
      workPart(lengths, 'head', 1, false),
      diagonalPart,
      rowsPart(lengths, 'head', variantHooks([])),
      addressingPart(lengths, keys),
      selectedPart(lengths, selectedBlock),
      listPart,
      ...parts,
    ],
  });
}

/** Numbers the lists: by kv head (where lists differ by it), then position, then the query heads of the kv head that have their own. */
const listPart = {
  fields: u32Fields('pairs', 'list_length', 'group_lists', 'tiles', 'slots'),
  text: wgsl`
    // The position of a list; its head is the list's.
    fn list_work(list: u32) -> Work {
      let place = list / params.group_lists;
      var work = work_of_tile(place % params.tiles, 0u, 0u);
      work.head = place / params.tiles * params.group_lists + list % params.group_lists;
      return work;
    }

    // −1 for a list of no position.
    fn pair_key(work: Work, entry: u32) -> i32 {
      if (work.first_row >= work.rows || work.seq.k_len == 0u) {
        return -1;
      }
      return selected_key(work, entry);
    }
  `,
};

/** Declares the place of a key among the rows of k: of all batch entries, of packed sequences, or of all pages. */
const slotPart = (keys: KeyKind): AnyPart => ({
  fields: u32Fields('slot_batch'),
  text: wgsl`
    fn slot_of(seq: Sequence, key: u32) -> u32 {
      ${
        keys === 'paged'
          ? 'return page_of(seq.index, key) * params.page_size + key % params.page_size;'
          : 'return seq.index * params.slot_batch + seq.k_row + key;'
      }
    }
  `,
});
