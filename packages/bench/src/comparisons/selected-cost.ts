import type { DType, Gpu, Tensor } from '@heed/core';
import { random } from '@heed/conformance/reference';
import { attention } from '@heed/kernels-wgsl';
import type { Contestant } from '../measure/bench-results.ts';

/** Attention over a long cache, and over the keys of it that lists name. */
interface SelectedWork {
  readonly heads: readonly [q: number, kv: number];
  readonly rows: number;
  readonly keys: number;
  /** Entries of each row's list, which all heads share. */
  readonly entries: number;
  readonly headDim: number;
  readonly dtype: DType;
  /** Largest allowed ratio of the time with lists to that without. */
  readonly atMost: number;
}

/** Times attention over all keys, then over those that lists name. */
export function selectedContestants(work: SelectedWork): Contestant[] {
  return [
    contestant(work, 'all keys', 'attention(q, k, v, { causal: true })', false),
    {
      ...contestant(work, `${work.entries} keys`, '{ …, selectedKeys }', true),
      atMost: work.atMost,
    },
  ];
}

function contestant(
  work: SelectedWork,
  name: string,
  how: string,
  isSelected: boolean,
): Contestant {
  return {
    name,
    how,
    async prepare(gpu) {
      const { heads, rows, keys, headDim, dtype } = work;
      const tensor = (shape: readonly number[], seed: number): Tensor =>
        normal(gpu, shape, dtype, seed);
      const q = tensor([1, heads[0], rows, headDim], 1);
      const [k, v] = [2, 3].map((seed) => tensor([1, heads[1], keys, headDim], seed)) as [
        Tensor,
        Tensor,
      ];
      const selected = isSelected ? { selectedKeys: lists(gpu, work) } : {};
      return {
        run: async () => {
          using out = attention(q, k, v, { causal: true, ...selected }).out;
          await gpu.settled();
          void out;
        },
        dispose: () => [q, k, v, ...Object.values(selected)].forEach((x) => x.dispose()),
      };
    },
  };
}

/** Returns lists of distinct keys in ascending order, evenly spread: one of each run of neighbours. */
function lists(gpu: Gpu, { rows, keys, entries }: SelectedWork): Tensor {
  const source = random(5);
  const run = Math.floor((keys - rows) / entries);
  const data = Int32Array.from(
    { length: rows * entries },
    (_, i) => (i % entries) * run + source.below(run),
  );
  return gpu.tensor(data, { shape: [1, 1, rows, entries], dtype: 'i32' });
}

// Some numbers are repeated, which fills large tensors fast.
function normal(gpu: Gpu, shape: readonly number[], dtype: DType, seed: number): Tensor {
  const source = random(seed);
  const some = Float32Array.from({ length: 65_537 }, () => source.normal());
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i += some.length) data.set(some.subarray(0, data.length - i), i);
  return gpu.tensor(data, { shape: [...shape], dtype });
}
