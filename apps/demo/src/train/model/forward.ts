import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import {
  type AttentionInputs,
  attentionInputs,
  attentionOutput,
} from '../../transformer/attention.ts';
import type { ModelConfig } from '../../transformer/config.ts';
import { embed, logits } from '../../transformer/embedding.ts';
import { mlp } from '../../transformer/mlp.ts';
import type { Weights } from '../../transformer/weights.ts';
import { attend } from './attend.ts';
import type { DeviceBatch } from './device-batch.ts';

/** An attention over a batch; another than heed's only in tests. */
export type Attend = (inputs: AttentionInputs, batch: DeviceBatch) => Tensor;

/** The scores of what follows each token, [T, vocabSize]. */
export function forward(
  config: ModelConfig,
  weights: Weights,
  batch: DeviceBatch,
  attention: Attend = attend,
): Tensor2D {
  let x = embed(weights, batch.ids);
  for (let layer = 0; layer < config.layers; layer++) {
    const attended = attention(attentionInputs(config, weights, layer, x), batch);
    x = attentionOutput(config, weights, layer, x, attended);
    x = mlp(config, weights, layer, x);
  }
  return logits(config, weights, x);
}
