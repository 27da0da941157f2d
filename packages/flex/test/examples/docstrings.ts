import type { Gpu, Tensor, Tuning } from '@heed/core';
import { type AttentionResult, tune } from '@heed/kernels-wgsl';
import {
  andMasks,
  bind,
  BlockMask,
  compileMod,
  createBlockMask,
  f32,
  flexAttention,
  flexAttentionVjp,
  type JsMod,
  type MaskMod,
  planFlexAttention,
  type ScoreMod,
  tunable,
} from '@heed/flex';
import * as masks from '@heed/flex/masks';
import * as mods from '@heed/flex/mods';

// The docstrings call tensors and positions alike, as the literature does.
/* oxlint-disable no-shadow */

type Example = (q: Tensor, k: Tensor, v: Tensor) => AttentionResult;

const { causal, document, slidingWindow } = masks;

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

/** The examples of mods that learn: what their tables get. */
export const gradientExamples = {
  headGate: (q: Tensor, k: Tensor, v: Tensor, dOut: Tensor): Tensor | undefined => {
    const gate = q.gpu.tensor(new Float32Array(1), { shape: [1] });
    const { headGate } = mods;
    const { backward } = flexAttentionVjp(q, k, v, { scoreMod: headGate, captures: { gate } });
    const { dCaptures } = backward(dOut); // { gate }
    return dCaptures['gate'];
  },
  relativeBias: (q: Tensor, k: Tensor, v: Tensor, dOut: Tensor): Tensor | undefined => {
    const bias = q.gpu.tensor(new Float32Array(257), { shape: [1, 257] });
    const { relativeBias } = mods;
    const captures = { bias, maxDistance: 128 };
    const { backward } = flexAttentionVjp(q, k, v, { scoreMod: relativeBias, captures });
    const { dCaptures } = backward(dOut); // { bias }
    return dCaptures['bias'];
  },
};

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

export function compileExample(): { js: JsMod; texts: string[] } {
  // @ts-expect-error the parameters of a function in the call have no types yet
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

/** The examples of @heed/flex/mods. */
export const modExamples: Readonly<Record<string, Example>> = {
  absoluteBias(q, k, v) {
    const { gpu } = q;
    const [heads, length] = [q.shape[1]!, q.shape[2]!];
    const perHead = new Float32Array(heads * length * length);
    const { absoluteBias } = mods;
    const bias = gpu.tensor(perHead, { shape: [1, heads, length, length] });
    return flexAttention(q, k, v, { scoreMod: bind(absoluteBias, { bias }) });
  },
  alibi(q, k, v) {
    const { gpu } = q;
    const heads = q.shape[1]!;
    const { alibi } = mods;
    const slopes = gpu.tensor(
      Array.from({ length: heads }, (_, h) => 2 ** ((-8 * (h + 1)) / heads)),
      { shape: [heads] },
    );
    return flexAttention(q, k, v, { scoreMod: alibi, maskMod: causal, captures: { slopes } });
  },
  softcap(q, k, v) {
    const { softcap } = mods;
    return flexAttention(q, k, v, { scoreMod: bind(softcap, { cap: 30 }) });
  },
};

/** The examples of @heed/flex/masks. */
export const maskExamples: Readonly<Record<string, Example>> = {
  blockDiagonal(q, k, v) {
    const { blockDiagonal } = masks;
    return flexAttention(q, k, v, { maskMod: bind(blockDiagonal, { blockSize: 64 }) });
  },
  causal(q, k, v) {
    return flexAttention(q, k, v, { maskMod: causal });
  },
  dilatedWindow(q, k, v) {
    const { dilatedWindow } = masks;
    return flexAttention(q, k, v, { maskMod: bind(dilatedWindow, { window: 64, dilation: 4 }) });
  },
  document(q, k, v) {
    const { gpu } = q;
    const id = gpu.tensor([0, 0, 1, 1, 1], { shape: [5], dtype: 'i32' });
    return flexAttention(q, k, v, { maskMod: andMasks(causal, bind(document, { id })) });
  },
  globalPlusWindow(q, k, v) {
    const { globalPlusWindow } = masks;
    return flexAttention(q, k, v, { maskMod: bind(globalPlusWindow, { globals: 4, window: 256 }) });
  },
  natten2d(q, k, v) {
    const { natten2d } = masks;
    return flexAttention(q, k, v, {
      maskMod: bind(natten2d, { height: 32, width: 32, kernel: 7 }),
    });
  },
  prefixLm(q, k, v) {
    const { gpu } = q;
    const { prefixLm } = masks;
    const prefix = gpu.tensor([17, 5], { shape: [2], dtype: 'i32' });
    return flexAttention(q, k, v, { maskMod: bind(prefixLm, { prefix }) });
  },
  sharedPrefix(q, k, v) {
    const { gpu } = q;
    const { sharedPrefix } = masks;
    const id = gpu.tensor([0, 0, 1, 1, 2, 2], { shape: [6], dtype: 'i32' });
    return flexAttention(q, k, v, { maskMod: bind(sharedPrefix, { prefix: 2, id }) });
  },
  slidingWindow(q, k, v) {
    return flexAttention(q, k, v, { maskMod: bind(slidingWindow, { window: 1024 }) });
  },
  tree(q, k, v) {
    const { gpu } = q;
    const drafted = q.slice(2, 0, 4);
    const { tree } = masks;
    const ancestors = gpu.tensor([0b0001, 0b0011, 0b0101, 0b1011], { shape: [4, 1], dtype: 'i32' });
    return flexAttention(drafted, k, v, { maskMod: bind(tree, { ancestors }) });
  },
};
