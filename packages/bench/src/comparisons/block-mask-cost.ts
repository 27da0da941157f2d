import type { Gpu, Tensor } from '@heed/core';
import { andMasks, bind, BlockMask, createBlockMask, flexAttention } from '@heed/flex';
import { causal, document } from '@heed/flex/masks';
import type { Contestant } from '../measure/bench-results.ts';
import { denseInputs } from './dense-contestants.ts';

const DOCUMENT = 2000;

/** Times attention under a causal document mask, and building that mask. */
export function blockMaskContestants(heads: number, seqlen: number): Contestant[] {
  const table = (gpu: Gpu): Tensor =>
    gpu.tensor(
      Int32Array.from({ length: seqlen }, (_, i) => Math.floor(i / DOCUMENT)),
      { shape: [seqlen], dtype: 'i32' },
    );
  const build = (gpu: Gpu, id: Tensor): BlockMask =>
    createBlockMask(gpu, andMasks(causal, bind(document, { id })), { Lq: seqlen, Lk: seqlen });
  return [
    {
      name: 'attention',
      how: 'flexAttention(q, k, v, { blockMask })',
      async prepare(gpu) {
        const { shape, q, k, v } = denseInputs(heads, seqlen, 64);
        const qkv = [q, k, v].map(({ data }) => gpu.tensor(data, { shape: [...shape] }));
        const id = table(gpu);
        const blockMask = build(gpu, id);
        return {
          run: async () => {
            using out = flexAttention(...(qkv as [Tensor, Tensor, Tensor]), { blockMask }).out;
            await gpu.settled();
            void out;
          },
          dispose: () => [...qkv, id, blockMask].forEach((x) => x.dispose()),
        };
      },
    },
    {
      name: 'createBlockMask',
      how: 'createBlockMask(gpu, andMasks(causal, document))',
      atMost: 0.05,
      async prepare(gpu) {
        const id = table(gpu);
        return {
          run: async () => {
            using mask = build(gpu, id);
            await gpu.settled();
            void mask;
          },
          dispose: () => id.dispose(),
        };
      },
    },
    {
      name: 'fromCuSeqlens',
      how: 'BlockMask.fromCuSeqlens(gpu, cuSeqlens, { maskMod: causal })',
      atMost: 0.05,
      async prepare(gpu) {
        const documents = Math.ceil(seqlen / DOCUMENT);
        const cu = Int32Array.from({ length: documents + 1 }, (_, d) =>
          Math.min(d * DOCUMENT, seqlen),
        );
        return {
          run: async () => {
            using mask = BlockMask.fromCuSeqlens(gpu, cu, { maskMod: causal });
            await gpu.settled();
            void mask;
          },
          dispose() {},
        };
      },
    },
  ];
}
