import {
  logSoftmax,
  mul,
  neg,
  oneHot,
  type Scalar,
  sum,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import type { DeviceBatch } from './device-batch.ts';

/**
 * Cross entropy in nats, summed over the tokens that are text.
 * @param logits [T, vocabSize]
 */
export function lossSum(logits: Tensor2D, { targets, isText }: DeviceBatch): Scalar {
  const told = oneHot(targets, logits.shape[1]);
  const logLikelihood = sum(mul(logSoftmax(logits), told), -1);
  return neg(sum<Scalar>(mul(logLikelihood, isText)));
}
