// Programs of a user of ONNX Runtime Web and of TensorFlow.js; compiled, never run.
import type { Gpu, Tensor } from '@heed/core';
import { causal } from '@heed/flex/masks';
import { heedTensor as heedTensorOfOrt, ortTensor, sessionOptions } from '@heed/onnx';
import { attention, flexAttention, heedTensor, openTfjs, tfTensor } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-web/webgpu';

export async function between(gpu: Gpu, model: Uint8Array, x: Tensor): Promise<Tensor> {
  const session = await ort.InferenceSession.create(model, sessionOptions(gpu));
  const { y } = await session.run({ x: ortTensor(ort, x) });
  return heedTensorOfOrt(gpu, y);
}

export async function gradient(x: tf.Tensor4D, bias: tf.Variable): Promise<tf.Tensor> {
  await openTfjs();
  return tf.grad((q) =>
    tf.sum(
      flexAttention(q, x, x, {
        scoreMod: (score, b, h, i, j, c) => score + c.bias[h]![i - j]!,
        maskMod: causal,
        captures: { bias },
      }),
    ),
  )(x);
}

export const plain = (x: tf.Tensor4D): tf.Tensor => attention(x, x, x, { causal: true });

export const thereAndBack = (gpu: Gpu, x: tf.Tensor): tf.Tensor[] => {
  const shared: Tensor[] = [heedTensor(gpu, x), heedTensor(x)];
  return shared.map((one) => tfTensor(one));
};
