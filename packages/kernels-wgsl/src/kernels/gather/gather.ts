import type { Tensor } from '@heed/core';
import { bindTensor, type BufferRange, dispatchGrid, getKernel } from '@heed/core/kernel';
import type { Target } from '../../run/target.ts';
import { gatherSource } from './gather.wgsl.ts';

/** Words from the host or from the GPU (rank 1 or 2, any strides). */
export type WordSource = Int32Array | Tensor;

/** Copies a list to consecutive words of `all`, from word `first` on. */
export function gatherWords(target: Target, source: WordSource, all: Tensor, first: number): void {
  const { range, offset, rows, columns, rowStride, columnStride } = strided(target, source);
  const count = rows * columns;
  if (count === 0) return;
  const params = Uint32Array.of(rows, columns, offset, rowStride, columnStride, first, 0, 0);
  target.dispatch({
    kernel: getKernel(target.gpu, gatherSource),
    buffers: [range, bindTensor(all).range, target.uniform(params.buffer)],
    workgroups: dispatchGrid(target.gpu, Math.ceil(count / 64)),
  });
}

interface StridedWords {
  readonly range: BufferRange;
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

function strided(target: Target, source: WordSource): StridedWords {
  if (source instanceof Int32Array) {
    const range = target.storage(source);
    return { range, offset: 0, rows: 1, columns: source.length, rowStride: 0, columnStride: 1 };
  }
  const { range, elementOffset: offset } = bindTensor(source);
  const [columns, rows = 1] = source.shape.toReversed() as [number, number?];
  const [columnStride, rowStride = 0] = source.strides.toReversed() as [number, number?];
  return { range, offset, rows, columns, rowStride, columnStride };
}
