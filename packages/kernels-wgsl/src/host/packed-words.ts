import type { Tensor } from '@heed/core';
import {
  bindTensor,
  type BufferRange,
  bytesPerElement,
  elementCount,
  isContiguous,
  isHalf,
  placeholder,
  rowMajorStrides,
} from '@heed/core/kernel';
import { NONE, type ParamValues } from '../text/parts/params.ts';
import type { Call } from './attention-call.ts';
import {
  type DerivedWords,
  isDerived,
  type TablePlace,
  type Target,
  type WordSource,
} from './launch-target.ts';
import { gatherWords } from './word-kernels.ts';

/** Several lists of words in one binding. */
interface PackedWords {
  readonly range: BufferRange;
  readonly places: readonly TablePlace[];
  /** Frees the memory that the packing allocated; call it once the reading work has been dispatched. */
  release(): void;
}

/**
 * Packs any number of lists into one read-only binding. Host lists share one upload. Tensors of one buffer are bound in
 * place if their strides allow it. Only a mixture needs a copy on the GPU. A source that is named several times is packed
 * once.
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

/** Returns one window over tensors of one buffer; undefined if they are in several buffers, or too far apart. */
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
  const owned = bound.every(({ range }) => range.owned === true);
  return inPlace({ buffer, offset: start, size: end - start, owned }, places);
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
  const offset = isHalf(source.dtype) ? first * 2 : first;
  return { offset, strides: rowMajorStrides(source.shape) };
}

function wordCount(source: WordSource): number {
  if (source instanceof Int32Array) return source.length;
  if (isDerived(source)) return source.count;
  const elements = elementCount(source.shape);
  return isHalf(source.dtype) ? Math.ceil(elements / 2) : elements;
}

function concatenated(counts: readonly number[]): { firsts: number[]; total: number } {
  let end = 0;
  const firsts = counts.map((count) => (end += count) - count);
  // WebGPU allows no empty binding.
  return { firsts, total: Math.max(1, end) };
}

/** Lengths and tables in the `metadata` binding. */
export interface BoundLengths {
  readonly range: BufferRange;
  /** Offsets of the given lists, in words, and the parameters of derived ones. */
  readonly values: ParamValues & {
    readonly cu_q: number;
    readonly cu_k: number;
    readonly used_k: number;
    readonly table: number;
    readonly derived: number;
  };
  /** Frees the memory gathered for this run; call it once the run is dispatched. */
  release(): void;
}

const isDense = ({ shape, strides }: Tensor): boolean => isContiguous(shape, strides);

/** Packs lengths and page tables into the one binding `metadata`. */
export function bindLengths(
  target: Target,
  { given }: Pick<Call, 'given'>,
  derived?: DerivedWords,
): BoundLengths {
  const { cuQ, cuK, used, table } = given;
  const sources = [cuQ, cuK, used, table, derived].filter((list) => list !== undefined);
  const { range, places, release } = packWords(target, 'lengths', sources, isDense);
  const offset = (list: WordSource | undefined): number =>
    list ? places[sources.indexOf(list)]!.offset : NONE;
  const values = {
    cu_q: offset(cuQ),
    cu_k: offset(cuK),
    used_k: offset(used),
    table: offset(table),
    derived: offset(derived),
    ...derived?.values,
  };
  return { range, values, release };
}

/** Tables in the `captures` binding: those that the hooks read, then the sinks. */
export interface BoundCaptures {
  readonly range: BufferRange;
  /** Params of all hooks, and the offset of the sinks. */
  readonly values: ParamValues;
  /** Frees the memory gathered for this run; call it once the run is dispatched. */
  release(): void;
}

/** Packs the tables of all hooks, and the sinks, into the one binding `captures`. */
export function bindCaptures(
  target: Target,
  { hooks, options }: Pick<Call, 'hooks' | 'options'>,
  withGradients = false,
): BoundCaptures {
  const { sinks } = options;
  const tables = hooks.flatMap((bound) => bound.tables);
  const all = sinks ? [...tables, sinks] : tables;
  const { range, places, release } = packWords(target, 'captures', all);
  const values: Record<string, number> = {};
  let next = 0;
  for (const bound of hooks) {
    const own = places.slice(next, (next += bound.tables.length));
    Object.assign(values, bound.values(own), withGradients && bound.gradientValues?.(own));
  }
  const place = sinks && places[next]!;
  values['sinks'] = place?.offset ?? NONE;
  values['sinks_head'] = place?.strides[0] ?? 0;
  return { range, values, release };
}
