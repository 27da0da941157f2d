import {
  add,
  type Rank,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';
import { linear } from './linear.ts';
import { rmsNorm } from './rms-norm.ts';
import { layerWeight } from './weight-shapes.ts';
import type { Weights } from './weights.ts';

/** What attention takes, before rotary positions. */
export interface AttentionInputs {
  /** [T, heads, headDim] */
  readonly q: Tensor3D;
  /** [T, kvHeads, headDim] */
  readonly k: Tensor3D;
  /** [T, kvHeads, headDim] */
  readonly v: Tensor3D;
}

/**
 * Queries, keys and values of a layer: RMSNorm and projections.
 * @param x [T, dModel]
 */
export function attentionInputs(
  config: ModelConfig,
  weights: Weights,
  layer: number,
  x: Tensor2D,
): AttentionInputs {
  const { heads, kvHeads, headDim } = config;
  const weight = (name: string): Tensor => weights[layerWeight(layer, name)]!;
  const rows = rmsNorm(config, x, weight('input_layernorm.weight'));
  const project = (name: string, count: number): Tensor3D =>
    reshape(linear(rows, weight(`self_attn.${name}.weight`)), [-1, count, headDim]);
  return {
    q: project('q_proj', heads),
    k: project('k_proj', kvHeads),
    v: project('v_proj', kvHeads),
  };
}

/**
 * The residual stream after a layer's attention.
 * @param x [T, dModel], as `attentionInputs` had it
 * @param attended [T, heads, headDim]
 * @returns [T, dModel]
 */
export function attentionOutput(
  { heads, headDim }: ModelConfig,
  weights: Weights,
  layer: number,
  x: Tensor2D,
  attended: Tensor,
): Tensor2D {
  const rows = reshape<Rank.R2>(attended, [-1, heads * headDim]);
  return add(x, linear(rows, weights[layerWeight(layer, 'self_attn.o_proj.weight')]!));
}
