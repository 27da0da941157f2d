import type { Gpu } from '@heed/core';
import { Runner } from '../../src/serve/engine/runner.ts';
import { type ModelConfig, presets } from '../../src/transformer/config.ts';
import { initialModel } from '../../src/transformer/model.ts';

export const config: ModelConfig = presets.tiny;

/** A model that knows nothing, and says something else after each prompt; the device must be TensorFlow.js's. */
export const runnerOf = (gpu: Gpu, rows = 16): Runner =>
  new Runner(gpu, initialModel(config, 1), rows);
