import {
  add,
  matMul,
  mean,
  mul,
  oneHot,
  type Rank,
  reshape,
  rsqrt,
  sigmoid,
  square,
  type Tensor,
  tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import type { Model } from './language-model.ts';
import {
  EMBEDDING,
  FINAL_NORM,
  layerWeight,
  type ModelConfig,
  weightShapes,
} from './model-config.ts';

/** A model's weights on the GPU, by the names of {@link weightShapes}. */
export type Weights = Readonly<Record<string, Tensor>>;

/** Uploads a model's weights; the caller disposes them. */
export function tensorsOf({ config, weights }: Model): Weights {
  const shapes = Object.entries(weightShapes(config));
  return Object.fromEntries(shapes.map(([name, shape]) => [name, tensor(weights[name]!, shape)]));
}

/** Disposes all weights. */
export function disposeWeights(weights: Weights): void {
  for (const weight of Object.values(weights)) weight.dispose();
}

/**
 * Returns x·Wᵀ.
 * @param x [T, in]
 * @param weight [out, in]
 */
function linear(x: Tensor2D, weight: Tensor): Tensor2D {
  return matMul(x, weight as Tensor2D, false, true);
}

/**
 * Divides each row by its root mean square and multiplies it by the weight.
 * @param x [T, dModel]
 * @param weight [dModel]
 */
function rmsNorm({ rmsNormEps }: ModelConfig, x: Tensor2D, weight: Tensor): Tensor2D {
  const scale = rsqrt(add(mean(square(x), -1, true), rmsNormEps));
  return mul(mul(x, scale), weight);
}

/**
 * Returns the residual stream's first rows: the embeddings of tokens.
 * @param ids [T] int32
 * @returns [T, dModel]
 */
export function embed(weights: Weights, ids: Tensor1D): Tensor2D {
  const table = weights[EMBEDDING] as Tensor2D;
  // A product with one-hot rows: its gradient sums in a fixed order, while that of tf.gather uses atomics.
  return matMul(oneHot(ids, table.shape[0]) as Tensor2D, table);
}

/**
 * Returns the logits of the next token, by the tied embedding.
 * @param x [T, dModel], after the last layer
 * @returns [T, vocabSize]
 */
export function logits(config: ModelConfig, weights: Weights, x: Tensor2D): Tensor2D {
  return linear(rmsNorm(config, x, weights[FINAL_NORM]!), weights[EMBEDDING]!);
}

/** The operands of attention, before rotary positions. */
export interface AttentionInputs {
  /** [T, heads, headDim] */
  readonly q: Tensor3D;
  /** [T, kvHeads, headDim] */
  readonly k: Tensor3D;
  /** [T, kvHeads, headDim] */
  readonly v: Tensor3D;
}

/**
 * Returns a layer's queries, keys and values: RMSNorm and projections.
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
 * Returns the residual stream after a layer's attention.
 * @param x [T, dModel], the same rows that `attentionInputs` got
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

/**
 * Returns the residual stream after a layer's MLP: adds SwiGLU (arXiv 2002.05202) of the normed rows.
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
