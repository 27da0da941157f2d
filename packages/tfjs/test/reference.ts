import * as tf from '@tensorflow/tfjs-core';

/** What varies in the formula: a term added to the scores, and a logit of each head without a value. */
export interface Terms {
  readonly add?: tf.Tensor;
  readonly sinks?: tf.Tensor;
}

/** Attention as it is written in TensorFlow.js: matMul, softmax, matMul, with the Lq × Lk scores in memory. */
export function formula(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { add, sinks }: Terms = {},
): tf.Tensor {
  const scale = 1 / Math.sqrt(q.shape.at(-1)!);
  const scores = tf.mul(tf.matMul(q, k, false, true), scale);
  const added = add ? tf.add(scores, add) : scores;
  if (!sinks) return tf.matMul(tf.softmax(added), v);
  const [batch, heads, rows, keys] = added.shape as [number, number, number, number];
  const column = tf.mul(tf.ones([batch, heads, rows, 1]), tf.reshape(sinks, [1, heads, 1, 1]));
  const weights = tf.softmax(tf.concat([added, column], 3));
  return tf.matMul(tf.slice(weights, [0, 0, 0, 0], [batch, heads, rows, keys]), v);
}

/** A term of the scores by row and column. */
export function term(rows: number, keys: number, of: (i: number, j: number) => number): tf.Tensor {
  const values = Array.from({ length: rows * keys }, (_, n) => of(Math.floor(n / keys), n % keys));
  return tf.tensor(values, [rows, keys]);
}
