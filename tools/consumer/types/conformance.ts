// What the maker of an adapter or of a mod writes; compiled, never run.
import type { Gpu, Tensor } from '@heed/core';
import {
  type ConformanceReport,
  gradcheck,
  type NdArray,
  referenceAttention,
  runConformance,
} from '@heed/conformance';
import { flexAttentionVjp } from '@heed/flex';

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
