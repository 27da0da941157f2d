import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';
import { initialModel, type Model } from './model.ts';
import { weightShapes } from './weight-shapes.ts';

/** A model's weights on the GPU, by the names of {@link weightShapes}. */
export type Weights = Readonly<Record<string, Tensor>>;

/** A model's weights as tensors, which the caller disposes. */
export function tensorsOf({ config, weights }: Model): Weights {
  const shapes = Object.entries(weightShapes(config));
  return Object.fromEntries(shapes.map(([name, shape]) => [name, tensor(weights[name]!, shape)]));
}

/** The weights of a model that knows nothing. */
export function initialWeights(config: ModelConfig, seed: number): Weights {
  return tensorsOf(initialModel(config, seed));
}

/** Frees them. */
export function disposeWeights(weights: Weights): void {
  for (const weight of Object.values(weights)) weight.dispose();
}
