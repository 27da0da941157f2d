import { kernelCount } from '@heed/core/kernel';
import { testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import {
  compileMod,
  createBlockMask,
  flexAttention,
  flexAttentionVjp,
  planFlexAttention,
  type PrecompiledMod,
} from '../../src/index.ts';

it('a precompiled mod stands wherever a function does, and compiles nothing anew', async () => {
  const gpu = await testGpu();
  const x = gpu.tensor(
    Array.from({ length: 64 }, (_, i) => Math.sin(i)),
    { shape: [1, 1, 16, 4] },
  );
  const scoreMod = (score: number, b: number, h: number, q: number, kv: number): number =>
    score - Math.abs(q - kv) / 8;
  const maskMod = (b: number, h: number, q: number, kv: number): boolean => q >= kv;
  const [score, mask] = [scoreMod, maskMod].map(
    (mod) => JSON.parse(JSON.stringify(compileMod(mod))) as PrecompiledMod,
  ) as [PrecompiledMod, PrecompiledMod];
  const problem = { layout: 'dense', q: x.shape, k: x.shape, v: x.shape } as const;
  const all = async (mods: object): Promise<unknown> => {
    const { maskMod: only } = mods as { maskMod: never };
    const { out } = flexAttention(x, x, x, mods);
    const { dq } = flexAttentionVjp(x, x, x, mods).backward(x);
    const plan = planFlexAttention(gpu, { ...problem, ...mods } as never);
    const blockMask = createBlockMask(gpu, only, { Lq: 16, Lk: 16, blockSize: 32 });
    const masked = flexAttention(x, x, x, { blockMask }).out;
    const planned = plan.run({ q: x, k: x, v: x }).out;
    return Promise.all([out, dq, planned, masked].map((tensor) => tensor.read()));
  };
  const want = await all({ scoreMod, maskMod });
  const kernels = kernelCount(gpu);
  expect(await all({ scoreMod: score, maskMod: mask })).toEqual(want);
  expect(kernelCount(gpu)).toBe(kernels);
});
