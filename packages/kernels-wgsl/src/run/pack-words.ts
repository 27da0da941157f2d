import {
  bindTensor,
  type BufferRange,
  elementCount,
  isContiguous,
  placeholder,
} from '@heed/core/kernel';
import { gatherWords, type WordSource } from '../kernels/gather/gather.ts';
import type { Target } from './target.ts';

/** Several lists of words behind one binding. */
export interface PackedWords {
  readonly range: BufferRange;
  /** Where each list begins, in words. */
  readonly offsets: readonly number[];
  /** Frees what the packing allocated; call it once the reading work has been dispatched. */
  release(): void;
}

/**
 * One read-only binding for any number of integer or float32 lists. Lists from the host go into one upload; a single
 * dense tensor is bound as it is; only a mixture costs a copy on the GPU.
 */
export function packWords(
  target: Target,
  use: string,
  sources: readonly WordSource[],
): PackedWords {
  const [first] = sources;
  if (first === undefined) return packed(placeholder(target.gpu, 'read'), []);
  if (sources.every((source) => source instanceof Int32Array)) return upload(target, sources);
  if (
    sources.length === 1 &&
    !(first instanceof Int32Array) &&
    isContiguous(first.shape, first.strides)
  ) {
    const { range, elementOffset } = bindTensor(first);
    return packed(range, [elementOffset]);
  }
  const { offsets, total } = concatenated(sources.map(wordCount));
  const all = target.scratch(use, [total], 'u32');
  sources.forEach((source, i) => gatherWords(target, source, all, offsets[i]!));
  return { range: bindTensor(all).range, offsets, release: () => target.free(all) };
}

function packed(range: BufferRange, offsets: readonly number[]): PackedWords {
  return { range, offsets, release() {} };
}

function upload(target: Target, lists: readonly Int32Array[]): PackedWords {
  const { offsets, total } = concatenated(lists.map(wordCount));
  const words = new Int32Array(total);
  lists.forEach((list, i) => words.set(list, offsets[i]));
  return packed(target.storage(words), offsets);
}

function wordCount(source: WordSource): number {
  return source instanceof Int32Array ? source.length : elementCount(source.shape);
}

function concatenated(counts: readonly number[]): { offsets: number[]; total: number } {
  let end = 0;
  const offsets = counts.map((count) => (end += count) - count);
  // A binding may not be empty.
  return { offsets, total: Math.max(1, end) };
}
