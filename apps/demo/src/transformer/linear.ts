import { matMul, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';

/**
 * x·Wᵀ.
 * @param x [T, in]
 * @param weight [out, in]
 */
export function linear(x: Tensor2D, weight: Tensor): Tensor2D {
  return matMul(x, weight as Tensor2D, false, true);
}
