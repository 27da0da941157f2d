import type { Gpu, Tensor } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';
import { toSlots } from './slots.ts';
import type { Job } from './job.ts';
import { lengthsOf, type Pack } from './pack.ts';
import type { Projections } from './project.ts';

// Room to grow, as a serving cache has.
const spareRows = 64;

/**
 * One decode step: a query for each document, its newest token's, against a cache [N, Hkv, capacity, D] that each
 * document fills as far as it is long. The rest of every slot holds NaN, which must not be seen. The result is
 * [N, Hq, D]: what prefill gives for the last token of each document.
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

/** The row of each document's last token: [T, row] → [N, row]. */
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
