import type { Gpu } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';
import { heedTensor, ortTensor, sessionOptions } from '@heed/onnx';
import type * as Ort from 'onnxruntime-web';
import { after as model } from './models.ts';

export async function docstringExamples(ort: typeof Ort, gpu: Gpu): Promise<Ort.Tensor[]> {
  const session = await ort.InferenceSession.create(model, sessionOptions(gpu));
  const q = ortTensor(ort, gpu.tensor(new Float32Array(128).fill(1), { shape: [1, 16, 8] }));
  const view = heedTensor(gpu, q).reshape([1, 16, 2, 4]).permute([0, 2, 1, 3]);
  const out = gpu.empty([1, 16, 8]);
  attention(view, view, view, { out: out.reshape([1, 16, 2, 4]).permute([0, 2, 1, 3]) });
  const { y } = await session.run({ attended: ortTensor(ort, out) });
  return [q, y!];
}
