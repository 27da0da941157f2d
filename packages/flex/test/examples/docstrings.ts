import type { Gpu, Tensor, Tuning } from '@heed/core';
import { type AttentionResult, tune } from '@heed/kernels-wgsl';
import {
  andMasks,
  attentionWeights,
  bind,
  BlockMask,
  compileMod,
  createBlockMask,
  f32,
  flexAttention,
  flexAttentionVjp,
  keyMass,
  type MaskMod,
  type ModTwin,
  planFlexAttention,
  type ScoreMod,
  topKeys,
  tunable,
} from '@heed/flex';
import { causal, document, slidingWindow } from '@heed/flex/masks';

// The docstrings call tensors and positions alike, as the literature does.
/* oxlint-disable no-shadow */

type Example = (q: Tensor, k: Tensor, v: Tensor) => AttentionResult;

export const flexAttentionExample: Example = (q, k, v) => {
  const { out } = flexAttention(q, k, v, { scoreMod: (score, b, h, q, kv) => score + (q - kv) });
  return { out };
};

export function flexAttentionVjpExample(q: Tensor, k: Tensor, v: Tensor, dOut: Tensor): Tensor[] {
  const { out, backward } = flexAttentionVjp(q, k, v, {
    scoreMod: (score) => score * score,
  });
  const { dq, dk, dv } = backward(dOut);
  return [dq, dk, dv, out];
}

export function weightsExample(q: Tensor, k: Tensor): Tensor {
  const weights = attentionWeights(q, k, { maskMod: causal, rows: [4, 8] });
  return weights;
}

export function keyMassExample(q: Tensor, k: Tensor): Tensor {
  const mass = keyMass(q, k, { maskMod: causal });
  return mass;
}

export function topKeysExample(q: Tensor, k: Tensor): Tensor {
  const sinks: ScoreMod = (score, b, h, q, kv) => (kv < 4 ? 1e9 : score); // the first keys are always listed
  const keys = topKeys(q, k, { topK: 64, scoreMod: sinks, maskMod: causal });
  return keys;
}

export async function planExample(gpu: Gpu, q: Tensor, k: Tensor, v: Tensor): Promise<Tensor> {
  const problem = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
  const plan = planFlexAttention(gpu, { ...problem, maskMod: (b, h, q, kv) => q >= kv });
  await plan.warmup();
  const { out } = plan.run({ q, k, v });
  plan.dispose();
  return out;
}

export async function tunableExample(gpu: Gpu): Promise<Tuning> {
  const problem = tunable({
    layout: 'dense',
    q: [1, 8, 64, 64],
    k: [1, 8, 64, 64],
    maskMod: causal,
  });
  const tuning = await tune(gpu, [problem], { seconds: 5 });
  return tuning;
}

export const f32Example: Example = (q, k, v) => {
  return flexAttention(q, k, v, {
    scoreMod: (s, b, h, q, kv, c) => s * c.factor,
    captures: { factor: f32(2) },
  });
};

export const bindExample: Example = (q, k, v) => {
  const id = q.gpu.tensor([0, 0, 1, 1, 1], { shape: [5], dtype: 'i32' });
  const window = bind(slidingWindow, { window: 256 });
  return flexAttention(q, k, v, { maskMod: andMasks(window, bind(document, { id })) });
};

export function compileExample(): { js: ModTwin<ScoreMod>; texts: string[] } {
  const { js, wgsl, explain } = compileMod((score, b, h, q, kv) => score + (q - kv));
  js(0.5, 0, 0, 7, 3); // 4.5
  return { js, texts: [wgsl, explain()] };
}

export function typesExample(): { scoreMod: ScoreMod; maskMod: MaskMod } {
  const distance: ScoreMod = (score, b, h, q, kv) => score + (q - kv);
  const causal: MaskMod = (b, h, q, kv) => q >= kv;
  return { scoreMod: distance, maskMod: causal };
}

export async function createBlockMaskExample(gpu: Gpu): Promise<void> {
  const mask = createBlockMask(gpu, (b, h, q, kv) => q >= kv, { Lq: 4096, Lk: 4096 });
  console.log(await mask.sparsity()); // 0.484375
  mask.dispose();
}

export function fromCuSeqlensExample(gpu: Gpu): Promise<string> {
  const mask = BlockMask.fromCuSeqlens(gpu, Int32Array.of(0, 700, 1024), { maskMod: causal });
  const result = mask.toText();
  mask.dispose();
  return result;
}

export function fromBlocksExample(gpu: Gpu): Promise<string> {
  const kvNumBlocks = gpu.tensor([1, 1], { shape: [1, 1, 2], dtype: 'i32' });
  const kvIndices = gpu.tensor([0, 1], { shape: [1, 1, 2, 1], dtype: 'i32' });
  const fullKvNumBlocks = gpu.tensor([0, 1], { shape: [1, 1, 2], dtype: 'i32' });
  const fullKvIndices = gpu.tensor([-1, 0], { shape: [1, 1, 2, 1], dtype: 'i32' });
  const lists = { kvNumBlocks, kvIndices, fullKvNumBlocks, fullKvIndices };
  const mask = BlockMask.fromBlocks(gpu, lists, { Lq: 256, Lk: 256, maskMod: causal });
  const result = mask.toText();
  mask.dispose();
  return result;
}
