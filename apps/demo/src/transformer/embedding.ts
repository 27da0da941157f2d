import { matMul, oneHot, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';
import { linear } from './linear.ts';
import { rmsNorm } from './rms-norm.ts';
import { EMBEDDING, FINAL_NORM } from './weight-shapes.ts';
import type { Weights } from './weights.ts';

/**
 * The first rows of the residual stream.
 * @param ids [T] int32
 * @returns [T, dModel]
 */
export function embed(weights: Weights, ids: Tensor1D): Tensor2D {
  const table = weights[EMBEDDING] as Tensor2D;
  // A product with ones and zeros, whose gradient sums in a fixed order; that of tf.gather sums with atomics.
  return matMul(oneHot(ids, table.shape[0]) as Tensor2D, table);
}

/**
 * The scores of each token to come next, by the embedding once more.
 * @param x [T, dModel], after the last layer
 * @returns [T, vocabSize]
 */
export function logits(config: ModelConfig, weights: Weights, x: Tensor2D): Tensor2D {
  return linear(rmsNorm(config, x, weights[FINAL_NORM]!), weights[EMBEDDING]!);
}
