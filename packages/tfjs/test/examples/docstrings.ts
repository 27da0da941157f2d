import type { Gpu } from '@heed/core';
import * as heed from '@heed/kernels-wgsl';
import { attention, flexAttention, heedTensor, openTfjs, tfTensor } from '@heed/tfjs';
import type { ScoreMod } from '@heed/flex';
import * as tf from '@tensorflow/tfjs-core';

// Docstrings use the same names for tensors and positions.
/* oxlint-disable no-shadow */

export async function openTfjsExample(): Promise<Gpu> {
  await tf.setBackend('webgpu');
  const gpu = await openTfjs();
  return gpu;
}

export function flexAttentionExample(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const distance: { scoreMod: ScoreMod } = { scoreMod: (score, b, h, q, kv) => score + (q - kv) };
  const dq = tf.grad((x) => flexAttention(x, k, v, distance).sum())(q);
  return dq;
}

export function attentionExample(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const attended = attention(q, k, v, { causal: true });
  return attended;
}

export function tensorsExample(gpu: Gpu, x: tf.Tensor): tf.Tensor {
  const view = heedTensor(gpu, x).permute([0, 2, 1, 3]);
  const lse = tfTensor(heed.attention(view, view, view, { returnLse: true }).lse);
  return lse;
}
