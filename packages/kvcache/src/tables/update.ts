import type { Tensor } from '@heed/core';
import { bindTensor, dispatch, getKernel, threadGrid, uploadStorage } from '@heed/core/kernel';
import { updateSource } from './update.wgsl.ts';

/** Writes words of a contiguous tensor, in order with other dispatches: `pairs` is index, value, index, value, … */
export function updateWords(table: Tensor, pairs: Int32Array): void {
  const count = pairs.length / 2;
  if (count === 0) return;
  const { gpu } = table;
  const { range, elementOffset } = bindTensor(table);
  gpu.batch(() => {
    dispatch(gpu, {
      kernel: getKernel(gpu, updateSource),
      buffers: [uploadStorage(gpu, pairs), range],
      params: Uint32Array.of(elementOffset, count),
      workgroups: threadGrid(gpu, count),
    });
  });
}
