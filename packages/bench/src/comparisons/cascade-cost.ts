import type { DType, Gpu, Tensor } from '@heed/core';
import { random } from '@heed/conformance/reference';
import { varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';
import type { Comparison, Contestant } from '../measure/bench-results.ts';

/** A decode step of sequences that begin with the same keys. */
interface SharedWork {
  readonly sequences: number;
  /** Keys that all share, and keys of each. */
  readonly shared: number;
  readonly own: number;
  readonly heads: readonly [q: number, kv: number];
  readonly headDim: number;
  readonly dtype: DType & ('f32' | 'f16');
  readonly numSplits?: number;
  /** Largest allowed ratio of the time with `cascade` to that without. */
  readonly atMost: number;
}

const long = { sequences: 32, shared: 4096, own: 64 } as const;
const wide = { heads: [32, 8], headDim: 128, dtype: 'f16' } as const;

const works: Readonly<Record<string, SharedWork>> = {
  'cascade-gqa': { ...long, ...wide, atMost: 1 / 3.5 },
  'cascade-heads': { ...long, heads: [8, 8], headDim: 64, dtype: 'f16', atMost: 1 / 8 },
  'cascade-one-split': { ...long, ...wide, numSplits: 1, atMost: 1 / 8 },
  'cascade-none': { sequences: 32, shared: 0, own: 512, ...wide, atMost: 1.03 },
  'cascade-short': { sequences: 2, shared: 64, own: 64, ...wide, atMost: 1.03 },
};

/** Decode steps over shared prefixes, with them read once and without. */
export const cascadeComparisons: readonly Comparison[] = Object.entries(works).map(
  ([id, work]) => ({ id, title: titleOf(work), contestants: contestants(work) }),
);

function titleOf({ sequences, shared, own, heads, headDim, dtype, numSplits }: SharedWork): string {
  const splits = numSplits === undefined ? '' : `, numSplits ${numSplits}`;
  return `a decode step of ${sequences} sequences, ${shared} shared and ${own} own keys, ${dtype}, ${heads.join('/')} heads D${headDim}${splits}`;
}

function contestants(work: SharedWork): Contestant[] {
  return [
    contestant(work, 'plain', false),
    { ...contestant(work, 'cascade', true), atMost: work.atMost },
  ];
}

function contestant(work: SharedWork, name: string, cascade: boolean): Contestant {
  return {
    name,
    how: `varlenAttention(q, view${cascade ? '' : ', { cascade: false }'})`,
    async prepare(gpu) {
      const { sequences, heads, headDim, numSplits } = work;
      const { cache, view } = await filled(gpu, work);
      const q = rows(gpu, work, sequences, heads[0], headDim);
      const options = { causal: true, cascade, ...(numSplits && { numSplits }) };
      return {
        async run() {
          using out = varlenAttention(q, view(), options).out;
          await gpu.settled();
          void out;
        },
        dispose: () => [q, cache].forEach((x) => x.dispose()),
      };
    },
  };
}

async function filled(gpu: Gpu, work: SharedWork) {
  const { sequences, shared, own, heads, headDim, dtype } = work;
  const pages = Math.ceil(shared / 16) + sequences * (Math.ceil(own / 16) + 1);
  const shape = { layers: 1, kvHeads: heads[1], headDim, dtype, pages };
  const cache = await PagedKvCache.create(gpu, shape);
  const root = cache.open();
  const kept: Tensor[] = [];
  const append = (sequence: typeof root, count: number): void => {
    const k = rows(gpu, work, count, heads[1], headDim);
    cache.append(0, [sequence], k, k);
    kept.push(k);
  };
  if (shared > 0) append(root, shared);
  const all = Array.from({ length: sequences }, () => root.fork());
  root.close();
  if (own > 1) for (const sequence of all) append(sequence, own - 1);
  const last = rows(gpu, work, sequences, heads[1], headDim);
  cache.append(0, all, last, last);
  await gpu.settled();
  for (const tensor of [...kept, last]) tensor.dispose();
  return { cache, view: () => cache.view(0, all) };
}

// Some numbers are repeated, which fills large tensors fast.
function rows(gpu: Gpu, { dtype }: SharedWork, count: number, heads: number, dim: number): Tensor {
  const source = random(count);
  const some = Float32Array.from({ length: 65_537 }, () => source.normal());
  const data = new Float32Array(count * heads * dim);
  for (let i = 0; i < data.length; i += some.length) data.set(some.subarray(0, data.length - i), i);
  return gpu.tensor(data, { shape: [count, heads, dim], dtype });
}
