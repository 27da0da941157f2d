import type { Gpu, Tensor } from '@heed/core';
import { attention, varlenAttention } from '@heed/kernels-wgsl';
import { fromSlots, toSlots } from './slots.ts';
import type { Job } from './job.ts';
import { lengthsOf, type Pack } from './pack.ts';
import type { Projections } from './project.ts';

/** Causal attention over all documents at once, without padding: `varlenAttention` on [T, H, D]. */
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

/** The same the padded way: `attention` on [N, H, longest, D] with `seqUsedK`. Results on the real rows are the same. */
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
    // Queries begin at key 0 of their slot; the default would tie their last row, padding included, to the last key.
    run: () => void attention(...tensors, { causal: true, align: 'start', seqUsedK, out }),
    result: async () => fromSlots(await out.read(), shape(heads.query)),
    [Symbol.dispose]: () => [...tensors, out].forEach((tensor) => tensor.dispose()),
  };
}
