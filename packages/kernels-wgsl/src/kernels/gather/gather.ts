import type { Tensor } from '@heed/core';
import {
  bindTensor,
  type BufferRange,
  dispatchGrid,
  elementCount,
  getKernel,
  placeholder,
} from '@heed/core/kernel';
import type { Target } from '../../run/target.ts';
import { gatherSource } from './gather.wgsl.ts';

/** Words from the host or from the GPU (rank 1 or 2, any strides). */
export type WordSource = Int32Array | Tensor;

/** Several sources behind one binding. */
export interface PackedWords {
  readonly range: BufferRange;
  /** Where each source begins, in words. */
  readonly offsets: readonly number[];
  /** Frees what the packing allocated; call it once the reading work has been dispatched. */
  release(): void;
}

/**
 * One read-only binding for any number of integer or float32 lists. Lists from the host go into one upload; a single
 * dense tensor is bound as it is; only a mixture costs a copy on the GPU.
 */
export function packWords(target: Target, use: string, sources: readonly WordSource[]): PackedWords {
  if (sources.length === 0) return { range: placeholder(target.gpu, 'read'), offsets: [], release() {} };
  const hosts = sources.filter((source) => source instanceof Int32Array);
  if (hosts.length === sources.length) return upload(target, hosts);
  const [only] = sources;
  if (sources.length === 1 && isDense(only as Tensor)) {
    const { range, elementOffset } = bindTensor(only as Tensor);
    return { range, offsets: [elementOffset], release() {} };
  }
  return gather(target, use, sources);
}

function upload(target: Target, lists: readonly Int32Array[]): PackedWords {
  const offsets = starts(lists.map((list) => list.length));
  const words = new Int32Array(Math.max(1, offsets.at(-1)! + lists.at(-1)!.length));
  lists.forEach((list, i) => words.set(list, offsets[i]));
  return { range: target.storage(words), offsets, release() {} };
}

function gather(target: Target, use: string, sources: readonly WordSource[]): PackedWords {
  const counts = sources.map((s) => (s instanceof Int32Array ? s.length : elementCount(s.shape)));
  const offsets = starts(counts);
  const total = offsets.at(-1)! + counts.at(-1)!;
  const gathered = target.scratch(use, [Math.max(1, total)], 'u32');
  const kernel = getKernel(target.gpu, gatherSource);
  const { range } = bindTensor(gathered);
  sources.forEach((source, i) => {
    if (counts[i] === 0) return;
    const from = strided(target, source);
    const words = [from.rows, from.columns, from.offset, from.rowStride, from.columnStride, offsets[i]!, 0, 0];
    target.dispatch({
      kernel,
      buffers: [from.range, range, target.uniform(Uint32Array.from(words).buffer)],
      workgroups: dispatchGrid(target.gpu, Math.ceil(counts[i]! / 64)),
    });
  });
  return { range, offsets, release: () => target.free(gathered) };
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
  const [rows, columns] = source.shape.length === 2 ? source.shape : [1, source.shape[0]];
  const [rowStride, columnStride] = source.shape.length === 2 ? source.strides : [0, source.strides[0]];
  return { range, offset, rows: rows!, columns: columns!, rowStride: rowStride!, columnStride: columnStride! };
}

function starts(counts: readonly number[]): number[] {
  let next = 0;
  return counts.map((count) => {
    const start = next;
    next += count;
    return start;
  });
}

function isDense({ shape, strides }: Tensor): boolean {
  if (elementCount(shape) === 0) return true;
  const columns = shape.at(-1)!;
  return (columns === 1 || strides.at(-1) === 1) && (shape.length === 1 || shape[0] === 1 || strides[0] === columns);
}
