import { LimitError, type Tensor } from '@heed/core';
import { bindTensor, threadGrid } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import { invertSource, pairSlotsSource } from '../text/kernels/inverted-lists.wgsl.ts';
import type { ComposedKernel } from '../text/parts/kernel-parts.ts';
import { packValues, type ParamValues } from '../text/parts/params.ts';
import type { Call } from './attention-call.ts';
import { bindMask } from './bound-mask.ts';
import type { Target } from './launch-target.ts';
import { valuesOf } from './launch-values.ts';
import { keyAxes, stridesOf } from './memory-layout.ts';
import type { SelectedKeys } from './options/selected-keys.ts';
import type { BoundLengths } from './packed-words.ts';
import { radixSort } from './radix-sort.ts';

/** A call whose rows have lists of selected keys. */
export interface SelectedCall extends Call {
  readonly selected: SelectedKeys;
}

/** For every slot, the pairs of a list and a key that name it, in ascending order of (sequence, position, head, entry). */
export interface InvertedLists {
  /** Where the pairs of each slot begin, then the list and the key of each pair; u32. */
  readonly words: Tensor;
  readonly sizes: InvertedSizes;
  readonly values: ParamValues;
}

/** Sizes of inverted lists. They depend on shapes only. */
interface InvertedSizes {
  /** Rows of k, of all batch entries or pages. */
  readonly slots: number;
  /** The slots of all kv heads whose lists differ. */
  readonly slotEnd: number;
  /** Kv heads that share their lists. */
  readonly sharedHeads: number;
  /** Pairs of a list and an entry, whether it names a key or not. */
  readonly pairs: number;
  readonly values: ParamValues;
}

function sizesOf({ selected, kvHeads, lengths, keys, ...call }: SelectedCall): InvertedSizes {
  const { list, axes, entries, blockSize } = selected;
  const listHeads = list.shape[axes.head]!;
  const isShared = listHeads === 1;
  const groupLists = isShared ? 1 : listHeads / kvHeads;
  const tiles = rowShapes[lengths].tiles(call.seqlenQ, call.batch, 1);
  const listLength = entries * blockSize;
  const [kBatch, slotRows] =
    keys === 'paged' ? [call.pages, call.pageSize] : keyRows(call, lengths);
  const slots = kBatch * slotRows;
  const slotEnd = slots * (isShared ? 1 : kvHeads);
  const pairs = (isShared ? 1 : kvHeads) * tiles * groupLists * listLength;
  const group = call.qHeads / kvHeads;
  return {
    slots,
    slotEnd,
    sharedHeads: isShared ? kvHeads : 1,
    pairs,
    values: {
      slots,
      slot_end: slotEnd,
      slot_rows: slotRows,
      slot_batch: kBatch > 1 ? slotRows : 0,
      pairs,
      pairs_at: slotEnd + 1,
      list_length: listLength,
      group_lists: groupLists,
      pair_heads: group / groupLists,
    },
  };
}

const keyRows = (
  { k, seqlenK }: Pick<Call, 'k' | 'seqlenK'>,
  lengths: Call['lengths'],
): readonly [batch: number, rows: number] => [lengths === 'dense' ? k.shape[0]! : 1, seqlenK];

/**
 * Makes the inverted lists of a call. The caller frees their words.
 * @throws LimitError they do not fit one binding
 */
export function invertLists(
  target: Target,
  call: SelectedCall,
  lengths: BoundLengths,
): InvertedLists {
  const sizes = sizesOf(call);
  const { pairs, slotEnd } = sizes;
  checkPairs(target, call, sizes);
  const config = { lengths: call.lengths, keys: call.keys, selectedBlock: call.selected.blockSize };
  const mask = bindMask(call);
  const values = valuesFor(call, [sizes.values, mask.values, lengths.values]);
  const given = [lengths.range, mask.range];
  const launch = (source: ComposedKernel, tensors: readonly Tensor[], threads: number): void =>
    target.dispatch({
      source,
      buffers: [...given, ...tensors.map((tensor) => bindTensor(tensor).range)],
      params: packValues(source.fields, values(source)),
      workgroups: threadGrid(target.gpu, threads),
    });
  const slots = target.scratch('pair slots', [pairs], 'u32');
  launch(pairSlotsSource(config), [slots], pairs);
  const sorted = radixSort(target, slots, slotEnd + 1);
  const words = target.scratch('inverted lists', [slotEnd + 1 + 2 * pairs], 'u32');
  const threads = Math.max(slotEnd + 1, pairs);
  launch(invertSource(config), [sorted.keys, sorted.indices, words], threads);
  target.free(sorted.keys);
  target.free(sorted.indices);
  return { words, sizes, values: sizes.values };
}

function valuesFor(call: Call, more: readonly ParamValues[]): (source: ComposedKernel) => number[] {
  const { k, lengths, seqlenQ, batch } = call;
  const ofKeys = stridesOf(k, bindTensor(k), keyAxes(call));
  const tiles = rowShapes[lengths].tiles(seqlenQ, batch, 1);
  const inputs = {
    call,
    grid: { units: 0, tiles, splits: 1 },
    tile: { path: 'none' },
    strides: { k: ofKeys, v: ofKeys },
    statePlane: 0,
    more,
  };
  return ({ fields }) => valuesOf(fields, inputs);
}

function checkPairs(
  { maxBytes }: Target,
  { fn, seqlenQ }: Call,
  { pairs, slotEnd }: InvertedSizes,
): void {
  const words = slotEnd + 1 + 2 * pairs;
  if (4 * words <= maxBytes) return;
  const perRow = (8 * pairs) / Math.max(1, seqlenQ);
  const rows = Math.max(0, Math.floor((maxBytes - 4 * (slotEnd + 1)) / perRow));
  throw new LimitError(
    `${fn}: the gradients of selected keys need lists of 8 bytes per entry of selectedKeys, and 4 per row of k, in one binding of ${maxBytes} bytes; got ${4 * words} bytes. Call it for at most ${rows} query rows at a time, and add the gradients.`,
  );
}
