import { causal } from '@heed/flex/masks';
import { flexAttention } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { normal, testTfjs } from '../fixture.ts';

beforeAll(testTfjs);

const [B, H, L, D] = [2, 2, 13, 8];

/** One attention layer: projections of x, and a bias by head and distance, all of them learnt. */
class Layer {
  readonly projections: tf.Variable[] = [1, 2, 3].map((seed) =>
    tf.variable(normal(seed, [H * D, H * D], 0.2)),
  );
  readonly bias: tf.Variable = tf.variable(tf.zeros([H, L]));

  apply(x: tf.Tensor): tf.Tensor {
    const [q, k, v] = this.projections.map((weights) => {
      const heads = tf.reshape(tf.matMul(tf.reshape(x, [B * L, H * D]), weights), [B, L, H, D]);
      return tf.transpose(heads, [0, 2, 1, 3]);
    }) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return flexAttention(q, k, v, {
      scoreMod: (score, b, h, i, j, c) => score + c.bias[h]![i - j]!,
      maskMod: causal,
      captures: { bias: this.bias },
    });
  }
}

it('learns: each row the row before it', async () => {
  const layer = new Layer();
  const optimizer = tf.train.adam(0.05);
  const x = normal(7, [B, L, H * D]);
  const heads = tf.transpose(tf.reshape(x, [B, L, H, D]), [0, 2, 1, 3]);
  const zeros = tf.zeros([B, H, 1, D]);
  const target = tf.concat([zeros, tf.slice(heads, [0, 0, 0, 0], [B, H, L - 1, D])], 2);
  const step = async (): Promise<number> => {
    const loss = tf.tidy(() =>
      optimizer.minimize(() => tf.mean(tf.squaredDifference(layer.apply(x), target)), true)!,
    );
    const [value] = await loss.data();
    loss.dispose();
    return value!;
  };

  const losses = [await step()];
  const { numTensors } = tf.memory();
  for (let i = 1; i < 30; i++) losses.push(await step());
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(losses[0]).toBeGreaterThan(0.9);
  expect(losses.at(-1)).toBeLessThan(0.3);
});
