import type { Gpu, Tensor } from '@heed/core';
import { bindTensor, dispatch, getKernel, threadGrid } from '@heed/core/kernel';
import { listsSource } from './lists.wgsl.ts';
import type { BlockView } from './view.ts';

/** The blocks of one class, by row or by column: i32 counts [B, H, n], and indices [B, H, n, m], −1 behind the last. */
export interface BlockLists {
  readonly counts: Tensor;
  readonly indices: Tensor;
}

export interface ListKind {
  readonly isFull: boolean;
  readonly transposed: boolean;
}

export function blockLists(
  gpu: Gpu,
  view: BlockView,
  { isFull, transposed }: ListKind,
): BlockLists {
  const { batch, heads, rows, columns, strides, words, some, full } = view;
  const [lists, entries] = transposed ? [columns, rows] : [rows, columns];
  const label = 'heed/block lists';
  const counts = gpu.empty([batch, heads, lists], { dtype: 'i32', label });
  const indices = gpu.empty([batch, heads, lists, entries], { dtype: 'i32', label });
  const total = batch * heads * lists;
  if (total === 0) return { counts, indices };
  const where = [some, full, strides.batch, strides.head, strides.row];
  const what = [Number(transposed), Number(isFull)];
  const params = Uint32Array.of(total, heads, lists, entries, ...where, ...what);
  gpu.batch(() => {
    dispatch(gpu, {
      kernel: getKernel(gpu, listsSource),
      buffers: [bindTensor(words).range, bindTensor(counts).range, bindTensor(indices).range],
      params,
      workgroups: threadGrid(gpu, total),
    });
  });
  return { counts, indices };
}
