import type { Gpu, Tensor } from '@heed/core';
import { attentionWeights, keyMass, topKeys } from '@heed/kernels-wgsl';
import type { CallCase } from './kernel-case.ts';

const HEADS = 8;
const KV_HEADS = 2;
const TOKENS = 512;

/** Calls a function with q and k of a head dim, and frees what it returns. */
const ofRows =
  (
    dtype: 'f32' | 'f16',
    headDim: number,
    call: (q: Tensor, k: Tensor) => Tensor,
    kvHeads: number = KV_HEADS,
  ) =>
  (gpu: Gpu): void =>
    gpu.scope(() => {
      const q = gpu.empty([1, HEADS, TOKENS, headDim], { dtype });
      call(q, gpu.empty([1, kvHeads, TOKENS, headDim], { dtype }));
    });

const causal = { causal: true } as const;

/** Calls that have no plan: the indexer, and the weights for looking. */
export const callCases: readonly CallCase[] = (['f32', 'f16'] as const).flatMap((dtype) => [
  {
    name: `topKeys ${dtype} D128`,
    call: ofRows(dtype, 128, (q, k) => topKeys(q, k, { topK: 64, ...causal }), 1),
  },
  {
    name: `topKeys blocks ${dtype} D64`,
    call: ofRows(dtype, 64, (q, k) => topKeys(q, k, { topK: 8, blockSize: 16, ...causal }), 1),
  },
  {
    name: `attentionWeights ${dtype} D128`,
    call: ofRows(dtype, 128, (q, k) => attentionWeights(q, k, causal)),
  },
  { name: `keyMass ${dtype} D128`, call: ofRows(dtype, 128, (q, k) => keyMass(q, k, causal)) },
]);
