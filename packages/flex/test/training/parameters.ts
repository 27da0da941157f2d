import type { Rng } from '@heed/testing';

/** Trainable numbers with their gradient and Adam's moments. */
export interface Parameter {
  readonly value: Float64Array;
  readonly gradient: Float64Array;
  readonly mean: Float64Array;
  readonly square: Float64Array;
}

export function parameter(rng: Rng, size: number, deviation: number): Parameter {
  return {
    value: Float64Array.from({ length: size }, () => rng.normal() * deviation),
    gradient: new Float64Array(size),
    mean: new Float64Array(size),
    square: new Float64Array(size),
  };
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.98, 1e-8];

/** One step of Adam (https://arxiv.org/abs/1412.6980, algorithm 1); clears the gradients. `step` counts from 1. */
export function adam(parameters: readonly Parameter[], step: number, rate: number): void {
  const size = (rate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step);
  for (const { value, gradient, mean, square } of parameters) {
    for (let i = 0; i < value.length; i++) {
      const g = gradient[i]!;
      mean[i] = BETA1 * mean[i]! + (1 - BETA1) * g;
      square[i] = BETA2 * square[i]! + (1 - BETA2) * g * g;
      value[i]! -= (size * mean[i]!) / (Math.sqrt(square[i]!) + EPSILON);
    }
    gradient.fill(0);
  }
}
