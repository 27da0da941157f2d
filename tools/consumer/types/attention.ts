// What a user of the kernels writes; compiled, never run.
import type { Gpu } from '@heed/core';
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
