import type { Gpu } from '@heed/core';
import { flexAttention } from '@heed/flex';
import type { Mods } from '../program/program.ts';
import { windowInputs } from './gpu-problem.ts';

/** One split, so that the heat map and the timed problem share a kernel. */
export const numSplits = 1;

/** The weights that the fused kernel gives, [HEADS, WINDOW, WINDOW]: attention over the identity. */
export async function gpuWeights(gpu: Gpu, mods: Mods, signal: AbortSignal): Promise<Float32Array> {
  const { q, k, v } = windowInputs(gpu);
  using out = flexAttention(q, k, v, { ...mods, numSplits }).out;
  return (await out.read({ signal })) as Float32Array;
}
