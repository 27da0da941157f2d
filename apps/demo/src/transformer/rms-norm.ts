import { add, mean, mul, rsqrt, square, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';

/**
 * Each row over its root mean square, then times the weight.
 * @param x [T, dModel]
 * @param weight [dModel]
 */
export function rmsNorm({ rmsNormEps }: ModelConfig, x: Tensor2D, weight: Tensor): Tensor2D {
  const scale = rsqrt(add(mean(square(x), -1, true), rmsNormEps));
  return mul(mul(x, scale), weight);
}
