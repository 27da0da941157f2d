import type { Gpu, Tensor } from '@heed/core';
import {
  bindTensor,
  dispatch,
  getKernel,
  type KernelSource,
  threadGrid,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import type { BlockView } from './block-planes.ts';

/** The blocks of one class, by row or by column: i32 counts [B, H, n], and indices [B, H, n, m] followed by −1. */
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

/**
 * Writes the blocks of one class as lists: for each row of blocks (transposed: each column) their number and their indices in
 * ascending order. One thread per row.
 */
const listsSource: KernelSource = {
  label: 'heed/block-mask lists',
  bindings: ['read', 'write', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      lists: u32,
      heads: u32,
      // Lists per head, and the most entries of a list.
      rows: u32,
      columns: u32,
      some: u32,
      full: u32,
      batch_stride: u32,
      head_stride: u32,
      row_stride: u32,
      transposed: u32,
      is_full: u32,
    }

    @group(0) @binding(0) var<storage, read> blocks: array<u32>;
    @group(0) @binding(1) var<storage, read_write> counts: array<u32>;
    @group(0) @binding(2) var<storage, read_write> indices: array<i32>;
    @group(0) @binding(3) var<uniform> params: Params;

    fn is_listed(start: u32, row: u32, column: u32) -> bool {
      let word = start + row * params.row_stride + column / 32u;
      let some = (blocks[params.some + word] >> (column % 32u)) & 1u;
      let full = (blocks[params.full + word] >> (column % 32u)) & 1u;
      return some != 0u && full == params.is_full;
    }

    ${threadMain(
      'list',
      wgsl`
        if (list >= params.lists) {
          return;
        }
        let row = list % params.rows;
        let head = list / params.rows % params.heads;
        let batch = list / (params.rows * params.heads);
        let start = batch * params.batch_stride + head * params.head_stride;
        let entries = list * params.columns;
        var count = 0u;
        for (var column = 0u; column < params.columns; column++) {
          if (is_listed(start, select(row, column, params.transposed != 0u), select(column, row, params.transposed != 0u))) {
            indices[entries + count] = i32(column);
            count++;
          }
        }
        counts[list] = count;
        for (var rest = count; rest < params.columns; rest++) {
          indices[entries + rest] = -1;
        }
      `,
    )}
  `}\n`,
};
