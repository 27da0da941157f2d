import type { Gpu } from '@heed/core';
import { testGpu } from '@heed/testing/gpu';
import {
  concat,
  equal,
  fill,
  greaterEqual,
  logicalAnd,
  matMul,
  mul,
  range,
  reshape,
  softmax,
  type Tensor,
  transpose,
  where,
} from '@tensorflow/tfjs-core';
import { Runner } from '../../src/serve/engine/model-runner.ts';
import type { Attend } from '../../src/train/model/training-forward.ts';
import { initialModel, type Model } from '../../src/transformer/language-model.ts';
import { EMBEDDING, type ModelConfig, presets } from '../../src/transformer/model-config.ts';
import { rotate } from '../../src/transformer/rotary-angles.ts';
import { useTfjs } from '../../src/transformer/tfjs-backend.ts';

/** Opens TensorFlow.js on the device that all tests share. */
export async function testTfjs(): Promise<Gpu> {
  const gpu = await testGpu();
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  if ('gpu' in navigator) {
    await useTfjs(gpu);
    return gpu;
  }
  // TensorFlow.js only requires navigator.gpu to exist; other tests would look for an adapter in it.
  Object.defineProperty(navigator, 'gpu', { value: {}, configurable: true });
  try {
    await useTfjs(gpu);
  } finally {
    delete (navigator as { gpu?: unknown }).gpu;
  }
  return gpu;
}

export const config: ModelConfig = presets.tiny;

/** Returns an untrained model with a small embedding: with a larger tied embedding it would repeat its input. */
export function babbling(): Model {
  const { weights } = initialModel(config, 1);
  const embedding = weights[EMBEDDING]!.map((x) => 0.02 * Math.sqrt(config.dModel) * x);
  return { config, weights: { ...weights, [EMBEDDING]: embedding } };
}

/** Returns a runner whose answers differ from prompt to prompt. The device must be TensorFlow.js's. */
export const runnerOf = (gpu: Gpu, rows = 16): Runner => new Runner(gpu, babbling(), rows);

/** Computes the Train room's attention by TensorFlow.js's operations: all scores, then a mask. */
export const plainAttention: Attend = ({ q, k, v }, { angles, documents }) => {
  const [rows, length] = documents.shape as [number, number];
  const group = q.shape[1] / k.shape[1];
  const byHead = (x: Tensor, repeats: number): Tensor => {
    const [, heads, dim] = x.shape as [number, number, number];
    const parted = reshape(x, [rows, length, heads, 1, dim]);
    const all = concat(
      Array.from({ length: repeats }, () => parted),
      3,
    );
    return transpose(reshape(all, [rows, length, heads * repeats, dim]), [0, 2, 1, 3]);
  };
  const [queries, keys, values] = [
    byHead(rotate(q, angles), 1),
    byHead(rotate(k, angles), group),
    byHead(v, group),
  ] as [Tensor, Tensor, Tensor];
  const scores = mul(matMul(queries, keys, false, true), 1 / Math.sqrt(q.shape[2]));
  const at = range(0, length, 1, 'int32');
  const causal = greaterEqual(reshape(at, [1, 1, length, 1]), reshape(at, [1, 1, 1, length]));
  const same = equal(
    reshape(documents, [rows, 1, length, 1]),
    reshape(documents, [rows, 1, 1, length]),
  );
  const hidden = fill(scores.shape, -1e30);
  const out = matMul(softmax(where(logicalAnd(causal, same), scores, hidden)), values);
  return reshape(transpose(out, [0, 2, 1, 3]), q.shape);
};
