import type { Tensor } from '@heed/core';
import { bindTensor, elementCount, getKernel, threadGrid } from '@heed/core/kernel';
import type { Target } from '../../run/target.ts';
import { gatherSource, MAX_RANK } from './gather.wgsl.ts';

/**
 * Copies a list from the host, or a tensor of rank ≤ 4, to consecutive words of `all`, row-major, from word `first` on; two
 * halves to a word.
 */
export function gatherWords(
  target: Target,
  source: Int32Array | Tensor,
  all: Tensor,
  first: number,
): void {
  const { range, elementOffset, shape, strides, isHalf } = strided(target, source);
  const count = elementCount(shape);
  if (count === 0) return;
  const words = isHalf ? Math.ceil(count / 2) : count;
  const head = [words, count, isHalf ? 1 : 0, elementOffset, first, 0, 0, 0];
  const params = Uint32Array.of(...head, ...padded(shape, 1), ...padded(strides, 0));
  target.dispatch({
    kernel: getKernel(target.gpu, gatherSource),
    buffers: [range, bindTensor(all).range],
    params,
    workgroups: threadGrid(target.gpu, words),
  });
}

function strided(target: Target, source: Int32Array | Tensor) {
  if (source instanceof Int32Array) {
    const range = target.storage(source);
    return { range, elementOffset: 0, shape: [source.length], strides: [1], isHalf: false };
  }
  const { shape, strides, dtype } = source;
  return { ...bindTensor(source), shape, strides, isHalf: dtype === 'f16' };
}

const padded = (values: readonly number[], filler: number): number[] => [
  ...Array.from({ length: MAX_RANK - values.length }, () => filler),
  ...values,
];
