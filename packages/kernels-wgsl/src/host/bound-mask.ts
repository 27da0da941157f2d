import { LimitError } from '@heed/core';
import { bindTensor, type BufferRange, elementCount, placeholder } from '@heed/core/kernel';
import type { ParamValues } from '../text/parts/params.ts';
import type { Call } from './attention-call.ts';
import { stridesOf } from './memory-layout.ts';
import type { SelectedKeys } from './options/selected-keys.ts';

/** The binding between the lengths and the captures: lists of selected keys, or the planes of a block mask. */
export interface BoundMask {
  readonly range: BufferRange;
  /** Offset and strides of the lists, and K. */
  readonly values: ParamValues;
}

/**
 * Binds the call's lists of selected keys, else the planes of its block mask, else a placeholder.
 * @throws LimitError lists that do not fit one binding
 */
export function bindMask(call: Pick<Call, 'fn' | 'gpu' | 'hooks' | 'selected'>): BoundMask {
  const { fn, gpu, hooks, selected } = call;
  if (selected) return bindLists(fn, selected);
  const blocks = hooks.find((bound) => bound.blocks)?.blocks;
  return { range: blocks ? bindTensor(blocks).range : placeholder(gpu, 'read'), values: {} };
}

function bindLists(fn: string, { list, axes, entries }: SelectedKeys): BoundMask {
  checkLists(fn, { list, axes });
  const bound = bindTensor(list);
  const { offset, batch, head, row, dim } = stridesOf(list, bound, axes);
  return {
    range: bound.range,
    values: {
      selected_offset: offset,
      selected_batch: batch,
      selected_head: head,
      selected_row: row,
      selected_entry: dim,
      selected_entries: entries,
    },
  };
}

function checkLists(fn: string, { list, axes }: Pick<SelectedKeys, 'list' | 'axes'>): void {
  const { maxStorageBufferBindingSize: most } = list.gpu.capabilities.limits;
  const bytes = 4 * elementCount(list.shape);
  if (bytes <= most) return;
  const rows = Math.floor(most / (bytes / list.shape[axes.row]!));
  throw new LimitError(
    `${fn}: selectedKeys must fit one binding of ${most} bytes on this device; got ${bytes} bytes. Call it for at most ${rows} query rows at a time.`,
  );
}
