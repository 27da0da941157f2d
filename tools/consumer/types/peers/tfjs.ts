// What a user of TensorFlow.js writes; compiled, never run.
import { attention, flexAttention, heedTensor, openTfjs, tfTensor } from '@heed/tfjs';
import { causal } from '@heed/flex/masks';
import type { Tensor } from '@heed/core';
import * as tf from '@tensorflow/tfjs-core';

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

export const thereAndBack = (x: tf.Tensor): tf.Tensor => {
  const shared: Tensor = heedTensor(x);
  return tfTensor(shared);
};
