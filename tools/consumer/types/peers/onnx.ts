// What a user of ONNX Runtime Web writes; compiled, never run.
import type { Gpu, Tensor } from '@heed/core';
import { heedTensor, ortTensor, sessionOptions } from '@heed/onnx';
import * as ort from 'onnxruntime-web/webgpu';

export async function between(gpu: Gpu, model: Uint8Array, x: Tensor): Promise<Tensor> {
  const session = await ort.InferenceSession.create(model, sessionOptions(gpu));
  const { y } = await session.run({ x: ortTensor(ort, x) });
  return heedTensor(gpu, y);
}
