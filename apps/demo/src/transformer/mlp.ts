import { add, mul, sigmoid, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';
import { linear } from './linear.ts';
import { rmsNorm } from './rms-norm.ts';
import { layerWeight } from './weight-shapes.ts';
import type { Weights } from './weights.ts';

/**
 * The residual stream after a layer's MLP: SwiGLU (arXiv 2002.05202) of the normed rows, added.
 * @param x [T, dModel], after the layer's attention
 * @returns [T, dModel]
 */
export function mlp(config: ModelConfig, weights: Weights, layer: number, x: Tensor2D): Tensor2D {
  const weight = (name: string): Tensor => weights[layerWeight(layer, name)]!;
  const rows = rmsNorm(config, x, weight('post_attention_layernorm.weight'));
  const gate = linear(rows, weight('mlp.gate_proj.weight'));
  const up = linear(rows, weight('mlp.up_proj.weight'));
  const hidden = mul<Tensor2D>(mul(gate, sigmoid(gate)), up);
  return add(x, linear(hidden, weight('mlp.down_proj.weight')));
}
