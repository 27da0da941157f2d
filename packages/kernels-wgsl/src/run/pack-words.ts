import type { Tensor } from '@heed/core';
import {
  bindTensor,
  type BufferRange,
  bytesPerElement,
  elementCount,
  placeholder,
  rowMajorStrides,
} from '@heed/core/kernel';
import { gatherWords } from '../kernels/gather/gather.ts';
import type { Target } from './target.ts';
import { isDerived, type TablePlace, type WordSource } from './word-source.ts';

/** Several lists of words behind one binding. */
export interface PackedWords {
  readonly range: BufferRange;
  readonly places: readonly TablePlace[];
  /** Frees what the packing allocated; call it once the reading work has been dispatched. */
  release(): void;
}

/**
 * One read-only binding for any number of lists. Lists from the host go into one upload; tensors of one buffer are bound as
 * they are, if their strides will do; only a mixture costs a copy on the GPU. A source that is named several times is packed once.
 */
export function packWords(
  target: Target,
  use: string,
  sources: readonly WordSource[],
  willDo: (tensor: Tensor) => boolean = () => true,
): PackedWords {
  if (sources.length === 0) return inPlace(placeholder(target.gpu, 'read'), []);
  const distinct = [...new Set(sources)];
  const { places, ...packed } = pack(target, use, distinct, willDo);
  return { ...packed, places: sources.map((source) => places[distinct.indexOf(source)]!) };
}

function pack(
  target: Target,
  use: string,
  sources: readonly WordSource[],
  willDo: (tensor: Tensor) => boolean,
): PackedWords {
  if (sources.every((source) => source instanceof Int32Array)) return upload(target, sources);
  if (sources.every((source) => 'dtype' in source) && sources.every(willDo)) {
    const shared = bindTogether(target, sources);
    if (shared) return shared;
  }
  const { firsts, total } = concatenated(sources.map(wordCount));
  const words = target.scratch(use, [total], 'u32');
  sources.forEach((source, i) => {
    if (isDerived(source)) source.write(target, words, firsts[i]!);
    else gatherWords(target, source, words, firsts[i]!);
  });
  return {
    range: bindTensor(words).range,
    places: sources.map((source, i) => placeOf(source, firsts[i]!)),
    release: () => target.free(words),
  };
}

/** One window over tensors of one buffer; none where they lie in several, or too far apart. */
function bindTogether({ gpu }: Target, tensors: readonly Tensor[]): PackedWords | undefined {
  const bound = tensors.map((tensor) => bindTensor(tensor));
  const { buffer } = bound[0]!.range;
  const start = Math.min(...bound.map(({ range }) => range.offset));
  const end = Math.max(...bound.map(({ range }) => range.offset + range.size));
  const { maxStorageBufferBindingSize } = gpu.device.limits;
  const fits = end - start <= maxStorageBufferBindingSize;
  if (!fits || bound.some(({ range }) => range.buffer !== buffer)) return undefined;
  const places = bound.map(({ range, elementOffset }, i) => {
    const { dtype, strides } = tensors[i]!;
    return { offset: (range.offset - start) / bytesPerElement[dtype] + elementOffset, strides };
  });
  return inPlace({ buffer, offset: start, size: end - start }, places);
}

const nothing = (): void => {};

function inPlace(range: BufferRange, places: readonly TablePlace[]): PackedWords {
  return { range, places, release: nothing };
}

function upload(target: Target, lists: readonly Int32Array[]): PackedWords {
  const { firsts, total } = concatenated(lists.map(wordCount));
  const words = new Int32Array(total);
  lists.forEach((list, i) => words.set(list, firsts[i]));
  return inPlace(
    target.storage(words),
    lists.map((list, i) => placeOf(list, firsts[i]!)),
  );
}

function placeOf(source: WordSource, first: number): TablePlace {
  if (!('dtype' in source)) return { offset: first, strides: [1] };
  const offset = source.dtype === 'f16' ? first * 2 : first;
  return { offset, strides: rowMajorStrides(source.shape) };
}

function wordCount(source: WordSource): number {
  if (source instanceof Int32Array) return source.length;
  if (isDerived(source)) return source.count;
  const elements = elementCount(source.shape);
  return source.dtype === 'f16' ? Math.ceil(elements / 2) : elements;
}

function concatenated(counts: readonly number[]): { firsts: number[]; total: number } {
  let end = 0;
  const firsts = counts.map((count) => (end += count) - count);
  // A binding may not be empty.
  return { firsts, total: Math.max(1, end) };
}
