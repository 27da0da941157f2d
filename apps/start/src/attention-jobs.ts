import type { Gpu, Tensor } from '@heed/core';
import { attention, varlenAttention } from '@heed/kernels-wgsl';
import { lengthsOf, type Pack } from './packed-documents.ts';
import type { Projections } from './projections.ts';

/** A piece of GPU work that can be repeated and timed. */
export interface Job extends Disposable {
  readonly name: string;
  /** Dispatches the work; it is done when the device has settled. */
  run(): void;
  /** Resolves to the output of the latest run, token-major. */
  result(): Promise<Float32Array>;
}

/** The layout of a padded batch: a region of `capacity` rows per document. */
interface SlotShape {
  /** [N + 1] */
  readonly cuSeqlens: Int32Array;
  readonly heads: number;
  /** Rows allocated per document. */
  readonly capacity: number;
  readonly dim: number;
}

/**
 * Copies packed rows [T, heads, dim] into a padded batch [N, heads, capacity, dim]. Rows past a document's length hold
 * `filler`.
 */
export function toSlots(
  packed: Float32Array,
  { cuSeqlens, heads, capacity, dim }: SlotShape,
  filler: number,
): Float32Array {
  const count = cuSeqlens.length - 1;
  const slots = new Float32Array(count * heads * capacity * dim).fill(filler);
  eachRow({ cuSeqlens, heads, capacity, dim }, (row, slot) =>
    slots.set(packed.subarray(row, row + dim), slot),
  );
  return slots;
}

/** Copies the documents' rows of [N, heads, capacity, dim] back into packed rows [T, heads, dim]. */
export function fromSlots(slots: Float32Array, shape: SlotShape): Float32Array {
  const tokens = shape.cuSeqlens.at(-1) ?? 0;
  const packed = new Float32Array(tokens * shape.heads * shape.dim);
  eachRow(shape, (row, slot) => packed.set(slots.subarray(slot, slot + shape.dim), row));
  return packed;
}

function eachRow(shape: SlotShape, visit: (row: number, slot: number) => void): void {
  const { cuSeqlens, heads, capacity, dim } = shape;
  for (let b = 0; b + 1 < cuSeqlens.length; b++) {
    const [start, end] = [cuSeqlens[b] as number, cuSeqlens[b + 1] as number];
    for (let token = start; token < end; token++) {
      for (let h = 0; h < heads; h++)
        visit((token * heads + h) * dim, ((b * heads + h) * capacity + token - start) * dim);
    }
  }
}

/** Prepares causal attention over all documents without padding: `varlenAttention` on [T, H, D]. */
export function packedPrefill(
  gpu: Gpu,
  { cuSeqlens, tokens }: Pack,
  { heads, q, k, v }: Projections,
): Job {
  const upload = (x: Float32Array, count: number): Tensor =>
    gpu.tensor(x, { shape: [tokens.length, count, heads.dim] });
  const tensors = [upload(q, heads.query), upload(k, heads.kv), upload(v, heads.kv)] as const;
  const out = gpu.empty([tokens.length, heads.query, heads.dim], { label: 'packed out' });
  return {
    name: 'packed',
    run: () => void varlenAttention(...tensors, { cuSeqlensQ: cuSeqlens, causal: true, out }),
    result: () => out.read(),
    [Symbol.dispose]: () => [...tensors, out].forEach((tensor) => tensor.dispose()),
  };
}

/** Prepares the same work padded: `attention` on [N, H, longest, D] with `seqUsedK`. The documents' rows have the same results. */
export function paddedPrefill(gpu: Gpu, pack: Pack, { heads, q, k, v }: Projections): Job {
  const { cuSeqlens, maxSeqlen: capacity, paths } = pack;
  const shape = (count: number) => ({ cuSeqlens, heads: count, capacity, dim: heads.dim });
  const upload = (x: Float32Array, count: number): Tensor =>
    gpu.tensor(toSlots(x, shape(count), 0), { shape: [paths.length, count, capacity, heads.dim] });
  const tensors = [upload(q, heads.query), upload(k, heads.kv), upload(v, heads.kv)] as const;
  const out = gpu.empty([paths.length, heads.query, capacity, heads.dim], { label: 'padded out' });
  const seqUsedK = lengthsOf(pack);
  return {
    name: 'padded',
    // Query 0 is aligned with key 0. The default would align the last row, padding included, with the last key.
    run: () => void attention(...tensors, { causal: true, align: 'start', seqUsedK, out }),
    result: async () => fromSlots(await out.read(), shape(heads.query)),
    [Symbol.dispose]: () => [...tensors, out].forEach((tensor) => tensor.dispose()),
  };
}

// Spare capacity, as in a serving cache.
const spareRows = 64;

/**
 * Prepares one decode step: one query per document, from its last token, against a cache [N, Hkv, capacity, D] that each document
 * fills up to its length. The rest of the cache holds NaN, which must not affect the result [N, Hq, D]. The result equals
 * prefill's for the last token of each document.
 */
export function decodeStep(gpu: Gpu, pack: Pack, { heads, q, k, v }: Projections): Job {
  const { cuSeqlens, paths, maxSeqlen } = pack;
  const capacity = maxSeqlen + spareRows;
  const cache = (x: Float32Array): Tensor =>
    gpu.tensor(toSlots(x, { cuSeqlens, heads: heads.kv, capacity, dim: heads.dim }, NaN), {
      shape: [paths.length, heads.kv, capacity, heads.dim],
    });
  const newest = lastRows(q, cuSeqlens, heads.query * heads.dim);
  const tensors = [
    gpu.tensor(newest, { shape: [paths.length, heads.query, 1, heads.dim] }),
    cache(k),
    cache(v),
  ] as const;
  const out = gpu.empty([paths.length, heads.query, 1, heads.dim], { label: 'decode out' });
  const seqUsedK = lengthsOf(pack);
  return {
    name: 'decode',
    run: () => void attention(...tensors, { causal: true, seqUsedK, out }),
    result: () => out.read(),
    [Symbol.dispose]: () => [...tensors, out].forEach((tensor) => tensor.dispose()),
  };
}

/** Returns the row of each document's last token: [T, row] → [N, row]. */
export function lastRows<T extends Float32Array | Float64Array>(
  packed: T,
  cuSeqlens: Int32Array,
  row: number,
): T {
  const ends = cuSeqlens.subarray(1);
  const last = packed.slice(0, ends.length * row) as T;
  for (const [b, end] of ends.entries())
    last.set(packed.subarray((end - 1) * row, end * row), b * row);
  return last;
}
