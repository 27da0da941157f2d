import type { Tensor } from '@heed/core';
import { bindTensor, getKernel, threadGrid } from '@heed/core/kernel';
import type { DerivedWords } from '@heed/kernels-wgsl/variant';
import { summaryShape } from '../backends/wgsl/summary.ts';
import { summarySource } from './summary.wgsl.ts';

const MAX_RANK = 4;

/** The least and largest elements of a table by blocks of an axis, for the bounds of masks that read it. */
export function tableSummary(table: Tensor, axis: number): DerivedWords {
  const { rows, blocks, words: count } = summaryShape(table.shape, axis);
  const others = (values: readonly number[], filler: number): number[] => [
    ...Array.from({ length: MAX_RANK - values.length }, () => filler),
    ...values.with(axis, filler),
  ];
  return {
    count,
    write: (target, words, first) => {
      const { range, elementOffset } = bindTensor(table);
      const { shape, strides } = table;
      const head = [rows, blocks, elementOffset, first, shape[axis]!, strides[axis]!, 0, 0];
      const params = Uint32Array.of(...head, ...others(shape, 1), ...others(strides, 0));
      target.dispatch({
        kernel: getKernel(target.gpu, summarySource(table.dtype)),
        buffers: [range, bindTensor(words).range],
        params,
        workgroups: threadGrid(target.gpu, rows * blocks),
      });
    },
  };
}
