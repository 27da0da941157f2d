// A program of a user whose lib is ES2022 and DOM, without Disposable; compiled, never run.
import { type Gpu, openGpu, type Tensor } from '@heed/core';
import {
  attention,
  attentionVjp,
  mergeStates,
  planAttention,
  varlenAttention,
} from '@heed/kernels-wgsl';
import { flexAttention, flexAttentionVjp } from '@heed/flex';
import { PagedKvCache } from '@heed/kvcache';

// TypeScript 7's lib.dom has WebGPU's types, but not its constants.
declare const GPUBufferUsage: Readonly<Record<'STORAGE' | 'COPY_SRC' | 'COPY_DST', number>>;

export async function reads(gpu: Gpu): Promise<void> {
  const device: GPUDevice = gpu.device;
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
  const halves: Float32Array = await gpu.wrap(buffer, { shape: [4], dtype: 'f16' }).read();
  const part = gpu.tensor(Uint32Array.of(1), { shape: [1] }).slice(0, 0, 1);
  const words: Uint32Array = await part.read();
  const ids: Int32Array = await gpu.tensor(BigInt64Array.of(1n), { shape: [1] }).read();
  const file: Int32Array = await gpu
    .fromBytes(new Uint8Array(4), { shape: [1], dtype: 'i32' })
    .read();
  const some: Tensor = gpu.empty([1]);
  const any: Float32Array | Int32Array | Uint32Array = await some.read();
  console.log(halves, words, ids, file, any);
}

export function results(x: Tensor, returnLse: boolean): unknown {
  const asked = attention(x, x, x, { causal: true, returnLse: true });
  const lse: Tensor<'f32'> = asked.lse;
  // @ts-expect-error: returnLse was not set
  void attention(x, x, x, { causal: true }).lse;
  // @ts-expect-error: no such option
  attention(x, x, x, { isCausal: true });
  const cuSeqlensQ = BigInt64Array.of(0n, 4n);
  const flex = flexAttention(x, x, x, { scoreMod: (score) => score, returnLse: true });
  const packed = varlenAttention(x, x, x, { cuSeqlensQ, returnLse: true });
  return (
    mergeStates([{ out: asked.out, lse }, flex, packed]).lse ??
    attention(x, x, x, { returnLse }).lse
  );
}

export function gradients(gpu: Gpu): Tensor[] {
  const x = gpu.empty([1, 1, 4, 8]);
  const bias = gpu.empty([4]);
  const { lse, out, backward } = flexAttentionVjp(x, x, x, {
    scoreMod: (score, b, h, q, kv, c) => score + c.scale * c.bias[kv],
    captures: { bias, scale: 2 },
  });
  const { dCaptures } = backward(out);
  return [lse, dCaptures.bias, attentionVjp(x, x, x).lse, attention(out, x, x).out];
}

export async function cached(): Promise<void> {
  const gpu = await openGpu({ onError: (error) => console.warn(error.code) });
  const cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 1, headDim: 8, pages: 4 });
  const plan = planAttention(gpu, { layout: 'dense', q: [1, 1, 4, 8], k: [1, 1, 4, 8] });
  plan.dispose();
  cache.dispose();
  gpu.dispose();
}
