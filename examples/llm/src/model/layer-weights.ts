import type { Tensor } from '@heed/core';
import type { ExpertsConfig, ModelConfig } from '../checkpoint/model-config.ts';
import type { RowParts } from '../kernels/row-parts.ts';
import type { WeightLoader } from './weight-loader.ts';

/** A linear map: [out, in], and a bias [out]. */
export interface Projection {
  readonly weight: RowParts;
  readonly bias: Tensor | undefined;
}

/** Weights of a layer's attention; norms and sinks are f32. */
export interface AttentionWeights {
  /** [heads · headDim, hiddenSize] */
  readonly q: Projection;
  /** [kvHeads · headDim, hiddenSize] */
  readonly k: Projection;
  readonly v: Projection;
  /** [hiddenSize, heads · headDim] */
  readonly o: Projection;
  /** [headDim], of each head of q and of k. */
  readonly qNorm: Tensor | undefined;
  readonly kNorm: Tensor | undefined;
  /** [heads] */
  readonly sinks: Tensor | undefined;
}

/** Weights of a gated MLP. */
export interface MlpWeights {
  /** [intermediateSize, hiddenSize] */
  readonly gate: Projection;
  readonly up: Projection;
  /** [hiddenSize, intermediateSize] */
  readonly down: Projection;
}

/** Weights of a mixture of experts. */
export interface ExpertsWeights {
  /** [experts, hiddenSize] */
  readonly router: Projection;
  /** [experts · 2 · intermediateSize, hiddenSize]: of each expert the rows of its gate, then those of up. */
  readonly gateUp: RowParts;
  /** [experts, 2 · intermediateSize] */
  readonly gateUpBias: RowParts;
  /** [experts · hiddenSize, intermediateSize] */
  readonly down: RowParts;
  /** [experts, hiddenSize] */
  readonly downBias: RowParts;
}

/** Weights of a layer. The norms are [hiddenSize]: two before a part of the layer, and two after one in some models. */
export interface LayerWeights {
  readonly beforeAttention: Tensor;
  readonly attention: AttentionWeights;
  readonly afterAttention: Tensor | undefined;
  readonly beforeMlp: Tensor;
  readonly mlp: MlpWeights | ExpertsWeights;
  readonly afterMlp: Tensor | undefined;
}

/** Loads a layer's weights by their names in Hugging Face Transformers. */
export async function loadLayer(
  loader: WeightLoader,
  config: ModelConfig,
  layer: number,
): Promise<LayerWeights> {
  const prefix = `model.layers.${layer}`;
  const norm = (name: string): Promise<Tensor> =>
    loader.vector(`${prefix}.${name}.weight`, config.hiddenSize);
  const { sandwichNorms } = config;
  return {
    beforeAttention: await norm('input_layernorm'),
    attention: await loadAttention(loader, config, `${prefix}.self_attn`),
    // The same name is the norm before the MLP in models without norms after a part.
    afterAttention: sandwichNorms ? await norm('post_attention_layernorm') : undefined,
    beforeMlp: await norm(sandwichNorms ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'),
    mlp: config.experts
      ? await loadExperts(loader, config, config.experts, `${prefix}.mlp`)
      : await loadMlp(loader, config, `${prefix}.mlp`),
    afterMlp: sandwichNorms ? await norm('post_feedforward_layernorm') : undefined,
  };
}

async function loadAttention(
  loader: WeightLoader,
  config: ModelConfig,
  prefix: string,
): Promise<AttentionWeights> {
  const { heads, kvHeads, headDim, hiddenSize, bias, qkNorm, sinks } = config;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const norm = async (name: string): Promise<Tensor | undefined> =>
    qkNorm ? await loader.vector(`${prefix}.${name}.weight`, headDim) : undefined;
  return {
    q: await projection(loader, `${prefix}.q_proj`, [queries, hiddenSize], bias.qkv),
    k: await projection(loader, `${prefix}.k_proj`, [keys, hiddenSize], bias.qkv),
    v: await projection(loader, `${prefix}.v_proj`, [keys, hiddenSize], bias.qkv),
    o: await projection(loader, `${prefix}.o_proj`, [hiddenSize, queries], bias.out),
    qNorm: await norm('q_norm'),
    kNorm: await norm('k_norm'),
    sinks: sinks ? await loader.vector(`${prefix}.sinks`, heads) : undefined,
  };
}

async function loadMlp(
  loader: WeightLoader,
  { hiddenSize, intermediateSize }: ModelConfig,
  prefix: string,
): Promise<MlpWeights> {
  return {
    gate: await projection(loader, `${prefix}.gate_proj`, [intermediateSize, hiddenSize], false),
    up: await projection(loader, `${prefix}.up_proj`, [intermediateSize, hiddenSize], false),
    down: await projection(loader, `${prefix}.down_proj`, [hiddenSize, intermediateSize], false),
  };
}

async function loadExperts(
  loader: WeightLoader,
  { hiddenSize, intermediateSize: inner }: ModelConfig,
  { count }: ExpertsConfig,
  prefix: string,
): Promise<ExpertsWeights> {
  // Columns of gate and up take turns in the file.
  const order = (row: number): number => (row < inner ? 2 * row : 2 * (row - inner) + 1);
  const experts = `${prefix}.experts`;
  return {
    router: await projection(loader, `${prefix}.router`, [count, hiddenSize], true),
    gateUp: await loader.experts(`${experts}.gate_up_proj`, [count, hiddenSize, 2 * inner], order),
    gateUpBias: await loader.table(`${experts}.gate_up_proj_bias`, [count, 2 * inner], order),
    down: await loader.experts(`${experts}.down_proj`, [count, inner, hiddenSize]),
    downBias: await loader.table(`${experts}.down_proj_bias`, [count, hiddenSize]),
  };
}

async function projection(
  loader: WeightLoader,
  name: string,
  shape: readonly [rows: number, columns: number],
  hasBias: boolean,
): Promise<Projection> {
  return {
    weight: await loader.matrix(`${name}.weight`, shape),
    bias: hasBias ? await loader.vector(`${name}.bias`, shape[0]) : undefined,
  };
}
