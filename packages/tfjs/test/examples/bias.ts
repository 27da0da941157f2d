import { flexAttention } from '@heed/tfjs';
import { causal } from '@heed/flex/masks';
import * as tf from '@tensorflow/tfjs-core';

const random = () => tf.randomNormal([1, 4, 64, 8]);
const [q, k, v, target] = [random(), random(), random(), random()];
const bias = tf.variable(tf.zeros([4, 64])); // by head and distance
const optimizer = tf.train.adam(0.1);

for (let step = 0; step < 5; step++) {
  const loss = optimizer.minimize(() => {
    const out = flexAttention(q, k, v, {
      scoreMod: (score, b, h, i, j, c) => score + c.bias[h]![i - j]!,
      maskMod: causal,
      captures: { bias },
    });
    return tf.mean<tf.Scalar>(tf.squaredDifference(out, target));
  }, true);
  console.log((await loss!.data())[0]);
  loss!.dispose();
}
