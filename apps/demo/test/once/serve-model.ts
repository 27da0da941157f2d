import type { Gpu } from '@heed/core';
import { Runner } from '../../src/serve/engine/runner.ts';
import { type ModelConfig, presets } from '../../src/transformer/config.ts';
import { initialModel, type Model } from '../../src/transformer/model.ts';
import { EMBEDDING } from '../../src/transformer/weight-shapes.ts';

export const config: ModelConfig = presets.tiny;

/** A model that knows nothing. Its embedding is small: tied to what comes out, a larger one has it repeat what it reads. */
export function babbling(): Model {
  const { weights } = initialModel(config, 1);
  const embedding = weights[EMBEDDING]!.map((x) => 0.02 * Math.sqrt(config.dModel) * x);
  return { config, weights: { ...weights, [EMBEDDING]: embedding } };
}

/** Says something else after each prompt; the device must be TensorFlow.js's. */
export const runnerOf = (gpu: Gpu, rows = 16): Runner => new Runner(gpu, babbling(), rows);
