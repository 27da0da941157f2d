import { type DType, type Gpu, openGpu, type Tensor } from '@heed/core';
import { random } from '@heed/conformance/reference';
import { attention, planAttention } from '@heed/kernels-wgsl';
import type { Contestant, Job } from '../measure/bench-results.ts';

const prefill = [1, 8, 1024, 64] as const;

/** Times prefill over f16, then over bf16, both on the tile path that bf16 takes. */
export function storageTypes(): Contestant[] {
  return [
    typeContestant('f16'),
    // Reading is a shift instead of a conversion, and rounding is shorter.
    { ...typeContestant('bf16'), atMost: 1.05 },
  ];
}

function typeContestant(dtype: 'f16' | 'bf16'): Contestant {
  return {
    name: dtype,
    how: `attention(q, k, v), all in ${dtype}`,
    async prepare({ device }) {
      const plain = await openGpu({ device });
      const problem = { layout: 'dense', dtype: 'bf16', q: prefill, k: prefill } as const;
      const [, path] = /path=(\w+)/.exec(planAttention(plain, problem).describe())!;
      plain.dispose();
      const gpu = await openGpu({ device, tuning: { version: 1, force: { path: path! } } });
      const [q, k, v] = [1, 2, 3].map((seed) => normal(gpu, prefill, dtype, seed)) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return job(gpu, () => attention(q, k, v).out, [q, k, v, gpu]);
    },
  };
}

/** The decode step of multi-head latent attention: 128 query heads to one key head, values the first columns of keys. */
const latent = { heads: 128, keys: 4096, headDim: 576, headDimV: 512 } as const;

/** Times a step over keys and values in two tensors, then with the values as columns of the keys. */
export function latentDecode(): Contestant[] {
  return [
    latentContestant('two tensors', 'attention(q, k, v, { numSplits: 8 })', false),
    latentContestant('one tensor', 'attention(q, k, k.slice(-1, 0, 512), { numSplits: 8 })', true),
  ];
}

function latentContestant(name: string, how: string, isShared: boolean): Contestant {
  const { heads, keys, headDim, headDimV } = latent;
  return {
    name,
    how,
    async prepare(gpu) {
      const q = normal(gpu, [1, heads, 1, headDim], 'f16', 1);
      const k = normal(gpu, [1, 1, keys, headDim], 'f16', 2);
      const v = isShared ? k.slice(-1, 0, headDimV) : normal(gpu, [1, 1, keys, headDimV], 'f16', 3);
      return job(gpu, () => attention(q, k, v, { numSplits: 8 }).out, [q, k, v]);
    },
  };
}

const job = (gpu: Gpu, step: () => Tensor, owned: readonly { dispose(): void }[]): Job => ({
  async run() {
    using out = step();
    await gpu.settled();
    void out;
  },
  dispose: () => owned.forEach((x) => x.dispose()),
});

function normal(gpu: Gpu, shape: readonly number[], dtype: DType, seed: number): Tensor {
  const source = random(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
    source.normal(),
  );
  return gpu.tensor(data, { shape: [...shape], dtype });
}
