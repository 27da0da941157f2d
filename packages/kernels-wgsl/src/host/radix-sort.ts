import type { Tensor } from '@heed/core';
import { bindTensor, dispatchGrid } from '@heed/core/kernel';
import {
  countDigitsSource,
  DIGIT_BITS,
  scatterSource,
  SORT_TILE,
  SUM_THREADS,
  sumCountsSource,
} from '../text/kernels/radix-sort.wgsl.ts';
import { packParams } from '../text/parts/params.ts';
import { scanValues } from '../text/parts/running-sum.wgsl.ts';
import type { Target } from './launch-target.ts';

/** Keys in ascending order, and the index that each had before; equal keys keep their order. */
export interface Sorted {
  readonly keys: Tensor;
  readonly indices: Tensor;
}

const DIGITS = 2 ** DIGIT_BITS;

/**
 * Sorts u32 keys below `end`, digit by digit from the lowest (stable). What is launched depends on the number of keys and on `end`
 * only. It frees the given tensor, or returns it; the caller frees the result.
 */
export function radixSort(target: Target, keys: Tensor, end: number): Sorted {
  const count = keys.shape[0]!;
  const groups = Math.ceil(count / SORT_TILE);
  const passes = Math.max(1, Math.ceil(Math.log2(end) / DIGIT_BITS));
  const counts = target.scratch('sort counts', [DIGITS * groups], 'u32');
  let from = { keys, indices: target.scratch('indices to sort', [count], 'u32') };
  let to = {
    keys: target.scratch('sorted keys', [count], 'u32'),
    indices: target.scratch('sorted indices', [count], 'u32'),
  };
  for (let pass = 0; pass < passes; pass++) {
    sortDigit(target, { from, to, counts, groups, pass });
    [from, to] = [to, from];
  }
  for (const tensor of [counts, to.keys, to.indices]) target.free(tensor);
  return from;
}

interface Pass {
  readonly from: Sorted;
  readonly to: Sorted;
  readonly counts: Tensor;
  readonly groups: number;
  /** The first one has keys in the order of their indices. */
  readonly pass: number;
}

function sortDigit(target: Target, { from, to, counts, groups, pass }: Pass): void {
  const { gpu } = target;
  const values = {
    count: from.keys.shape[0]!,
    groups,
    shift: pass * DIGIT_BITS,
    strips: SORT_TILE / 64,
    is_first: pass === 0 ? 1 : 0,
  };
  const workgroups = dispatchGrid(gpu, groups);
  const bound = (tensor: Tensor) => bindTensor(tensor).range;
  target.dispatch({
    source: countDigitsSource,
    buffers: [bound(from.keys), bound(counts)],
    params: packParams(countDigitsSource.fields, values),
    workgroups,
  });
  target.dispatch({
    source: sumCountsSource,
    buffers: [bound(counts)],
    params: packParams(sumCountsSource.fields, {
      length: counts.shape[0]!,
      ...scanValues(SUM_THREADS),
    }),
    workgroups: [1, 1, 1],
  });
  target.dispatch({
    source: scatterSource,
    buffers: [
      bound(from.keys),
      bound(from.indices),
      bound(counts),
      bound(to.keys),
      bound(to.indices),
    ],
    params: packParams(scatterSource.fields, values),
    workgroups,
  });
}
