// Programs of a user of the kernels, of flex and of the conformance cases; compiled, never run.
import {
  type ConformanceReport,
  gradcheck,
  type NdArray,
  referenceAttention,
  runConformance,
} from '@heed/conformance';
import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { andMasks, bind, flexAttention, flexAttentionVjp, type ScoreMod } from '@heed/flex';
import { causal, slidingWindow } from '@heed/flex/masks';
import { softcap } from '@heed/flex/mods';
import { attention, mergeStates, varlenAttention, type AttentionResult } from '@heed/kernels-wgsl';

export function dense(gpu: Gpu): AttentionResult {
  const q = gpu.empty([1, 8, 16, 64], { dtype: 'f16' });
  const k = gpu.empty([1, 2, 32, 64], { dtype: 'f16' });
  const v = gpu.empty([1, 2, 32, 64], { dtype: 'f16' });
  return attention(q, k, v, { causal: true, window: [128, -1], softcap: 30, returnLse: true });
}

export function packed(gpu: Gpu): AttentionResult {
  const [q, k, v] = [gpu.empty([48, 8, 64]), gpu.empty([48, 2, 64]), gpu.empty([48, 2, 64])];
  return varlenAttention(q, k, v, { cuSeqlensQ: Int32Array.of(0, 16, 48), causal: true });
}

export function merged(states: AttentionResult[]): AttentionResult {
  return mergeStates(states.flatMap(({ out, lse }) => (lse ? [{ out, lse }] : [])));
}

const biased: ScoreMod<{ bias: Tensor }> = (score, b, h, q, kv, c) => score + c.bias[h][q - kv];

export function biasedDense(gpu: Gpu, bias: Tensor): Tensor {
  const x = gpu.empty([1, 8, 16, 64], { dtype: 'f16' });
  return flexAttention(x, x, x, { scoreMod: biased, maskMod: causal, captures: { bias } }).out;
}

export function paged(q: Tensor, view: PagedKvView, cuSeqlensQ: Int32Array): Tensor {
  const maskMod = andMasks(causal, bind(slidingWindow, { window: 128 }));
  return flexAttention(q, view, { cuSeqlensQ, maskMod, scoreMod: bind(softcap, { cap: 30 }) }).out;
}

export async function onMine(gpu: Gpu): Promise<ConformanceReport> {
  return runConformance(gpu, {
    filter: ['seqused'],
    tier: 'quick',
    signal: AbortSignal.timeout(6e4),
  });
}

export async function gradientsHold(q: Tensor, bias: Tensor): Promise<string> {
  const scoreMod = (score: number, _b: number, h: number): number => score * h;
  const report = await gradcheck(flexAttentionVjp, { q, k: q, v: q, scoreMod, captures: { bias } });
  return report.ok ? '' : report.toText();
}

export const reference = (q: NdArray): NdArray =>
  referenceAttention({ q, k: q, v: q, options: { causal: true } }).out;
