import { BlockMask, flexAttention, type MaskMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { cumulative, denseProblem } from '../../problems/build-problem.ts';
import { withMods } from '../../problems/launch-flex.ts';
import { collect } from '../../problems/launch-problem.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';

const cuSeqlens = cumulative([70, 0, 33, 1, 90]);
const documented = cuSeqlens.at(-1) as number;
// Rows after the last document see nothing.
const L = documented + 6;

const documentOf = (row: number): number => cuSeqlens.findLastIndex((start) => row >= start);

/** For the reference only: the kernel gets the lengths. */
const ownDocument: MaskMod<never> = (b, h, q, kv) =>
  q >= kv && q < documented && documentOf(q) === documentOf(kv);

/** Documents packed into one row of dense tensors, their blocks found from the lengths alone. */
export const documentCases: readonly Case[] = ([32, 128] as const).flatMap((blockSize) =>
  defineCase('flex-documents', `block-${blockSize}`, {
    f16Tier: 'full',
    tags: ['browser'],
    async run(gpu, dtype) {
      const dense = denseProblem({ dtype, lq: L, dim: 16 });
      const problem = withMods(dense, () => ({ maskMod: ownDocument }));
      const scope = new Scope(gpu);
      try {
        const q = uploadArray(scope, dense.q, dtype);
        const k = uploadArray(scope, dense.k, dtype);
        const v = uploadArray(scope, dense.v, dtype);
        const options = { maskMod: causal, blockSize, L };
        const blockMask = scope.own(BlockMask.fromCuSeqlens(gpu, cuSeqlens, options));
        const call = { blockMask, numSplits: 3, returnLse: true };
        const got = await collect(scope, flexAttention(q, k, v, call));
        return isRight('documents', got, problem, dtype);
      } finally {
        scope.dispose();
      }
    },
  }),
);
