import type { Gpu, Tensor } from '@heed/core';
import { createBlockMask, flexAttention, type MaskMod } from '@heed/flex';
import { type Check, sameBits } from '../../budget/output-checks.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { denseProblem } from '../../problems/build-problem.ts';
import { collect } from '../../problems/launch-problem.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { sliceAxis } from '../../reference/nd-array.ts';
import { type Case, defineCase } from '../case.ts';

const [B, H, Lq, Lk] = [3, 4, 150, 200];
const blockSize = 32;

/** Depends on everything that a slice moves. */
const mask: MaskMod<{ step: number }> = (b, h, q, kv, { step }) =>
  q >= kv && q - kv <= step * (1 + b) + 9 * h;

interface Part {
  readonly axis: 0 | 1 | 2;
  /** Along axis 2 in blocks. */
  readonly range: readonly [start: number, end: number];
  readonly align: 'start' | 'end';
}

const parts: Readonly<Record<string, Part>> = {
  batch: { axis: 0, range: [1, 3], align: 'end' },
  head: { axis: 1, range: [2, 4], align: 'end' },
  'rows-middle': { axis: 2, range: [1, 3], align: 'end' },
  'rows-last': { axis: 2, range: [2, 5], align: 'end' },
  'rows-align-start': { axis: 2, range: [1, 4], align: 'start' },
};

/** Attention over a part of q, with a slice of the BlockMask, gives that part of the whole result. */
async function sliced(gpu: Gpu, dtype: FloatDType, { axis, range, align }: Part): Promise<Check[]> {
  const scope = new Scope(gpu);
  try {
    const problem = denseProblem({ dtype, batch: B, heads: [H, H], lq: Lq, lk: Lk, dim: 16 });
    const q = uploadArray(scope, problem.q, dtype);
    const k = uploadArray(scope, problem.k, dtype);
    const v = uploadArray(scope, problem.v, dtype);
    const sizes = { B, H, Lq, Lk, align, blockSize, captures: { step: 24 } };
    const blockMask = scope.own(createBlockMask(gpu, mask, sizes));
    const options = { align, numSplits: 1, returnLse: true };
    const whole = await collect(scope, flexAttention(q, k, v, { ...options, blockMask }));
    const [rows, most] = axis === 2 ? [blockSize, Lq] : [1, [B, H][axis] as number];
    const [first, end] = [range[0] * rows, Math.min(range[1] * rows, most)];
    const cut = (x: Tensor): Tensor => (axis === 2 ? x : x.slice(axis, first, end));
    const part = { ...options, blockMask: blockMask.slice(axis, ...range) };
    const result = flexAttention(q.slice(axis, first, end), cut(k), cut(v), part);
    const got = await collect(scope, result);
    return [
      sameBits('out', got.out, sliceAxis(whole.out, axis, first, end)),
      sameBits('lse', got.lse, sliceAxis(whole.lse, axis, first, end)),
    ];
  } finally {
    scope.dispose();
  }
}

export const blockSliceCases: readonly Case[] = Object.entries(parts).flatMap(([name, part]) =>
  defineCase('flex-block-slices', name, {
    f16Tier: 'full',
    tags: ['browser'],
    run: (gpu, dtype) => sliced(gpu, dtype, part),
  }),
);
