import type { Tensor } from '@heed/core';
import type { ExpertsConfig, LayerConfig, ModelConfig } from '../checkpoint/model-config.ts';
import type { RowParts } from '../kernels/row-parts.ts';
import type { WeightLoader } from './weight-loader.ts';

/** A linear map: [out, in], and a bias [out]. */
export interface Projection {
  readonly weight: RowParts;
  readonly bias: Tensor | undefined;
}

/** Weights of keys and values. */
export interface KeyWeights {
  /** [kvHeads · headDim, hiddenSize] */
  readonly k: Projection;
  /** Absent where values are the projected keys. */
  readonly v: Projection | undefined;
  /** [headDim], of each head. */
  readonly kNorm: Tensor | undefined;
  readonly vNorm: Tensor | undefined;
}

/** Weights of a layer's attention; norms and sinks are f32. */
export interface AttentionWeights {
  /** [heads · headDim, hiddenSize] */
  readonly q: Projection;
  readonly qNorm: Tensor | undefined;
  /** Absent where the layer reads the keys and values of another. */
  readonly keys: KeyWeights | undefined;
  /** [hiddenSize, heads · headDim] */
  readonly o: Projection;
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

/** Weights of what a layer does with its own embedding of a token. */
interface LayerInputWeights {
  /** [size, hiddenSize] */
  readonly gate: Projection;
  /** [hiddenSize, size] */
  readonly projection: Projection;
  /** [hiddenSize] */
  readonly norm: Tensor;
}

/** Weights of a layer. The norms are [hiddenSize]: two before a part of the layer, and two after one in some models. */
export interface LayerWeights {
  readonly beforeAttention: Tensor;
  readonly attention: AttentionWeights;
  readonly afterAttention: Tensor | undefined;
  readonly beforeMlp: Tensor;
  readonly mlp: MlpWeights | ExpertsWeights;
  readonly afterMlp: Tensor | undefined;
  readonly input: LayerInputWeights | undefined;
  /** Factor of the layer's result. */
  readonly scale: number | undefined;
}

/** Loads a layer's weights by their names in Hugging Face Transformers. */
export async function loadLayer(
  loader: WeightLoader,
  config: ModelConfig,
  index: number,
): Promise<LayerWeights> {
  const prefix = `model.layers.${index}`;
  const layer = config.layers[index]!;
  const norm = (name: string): Promise<Tensor> =>
    loader.vector(`${prefix}.${name}.weight`, config.hiddenSize);
  const { sandwichNorms, experts } = config;
  return {
    beforeAttention: await norm('input_layernorm'),
    attention: await loadAttention(loader, config, layer, `${prefix}.self_attn`),
    // The same name is the norm before the MLP in models without norms after a part.
    afterAttention: sandwichNorms ? await norm('post_attention_layernorm') : undefined,
    beforeMlp: await norm(sandwichNorms ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'),
    mlp: experts
      ? await loadExperts(loader, config, experts, layer, `${prefix}.mlp`)
      : await loadMlp(loader, config, layer, `${prefix}.mlp`),
    afterMlp: sandwichNorms ? await norm('post_feedforward_layernorm') : undefined,
    input: await loadInput(loader, config, prefix),
    scale: config.layerScale ? await loader.number(`${prefix}.layer_scalar`) : undefined,
  };
}

async function loadAttention(
  loader: WeightLoader,
  config: ModelConfig,
  { kind, reads }: LayerConfig,
  prefix: string,
): Promise<AttentionWeights> {
  const { heads, hiddenSize, bias, qkNorm, vNorm, sinks } = config;
  const { kvHeads, headDim, keysAsValues } = config.kinds[kind];
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const norm = async (name: string): Promise<Tensor | undefined> =>
    qkNorm ? await loader.vector(`${prefix}.${name}.weight`, headDim) : undefined;
  const project = (name: string, rows: number): Promise<Projection> =>
    projection(loader, `${prefix}.${name}_proj`, [rows, hiddenSize], bias.qkv);
  // Checkpoints may have weights of keys that nobody uses.
  if (reads !== undefined) loader.skip(new RegExp(`^${prefix}\\.([kv]_proj|[kv]_norm)\\.`));
  return {
    q: await project('q', queries),
    qNorm: await norm('q_norm'),
    keys:
      reads === undefined
        ? {
            k: await project('k', keys),
            v: keysAsValues ? undefined : await project('v', keys),
            kNorm: await norm('k_norm'),
            vNorm: vNorm ? loader.ones(headDim) : undefined,
          }
        : undefined,
    o: await projection(loader, `${prefix}.o_proj`, [hiddenSize, queries], bias.out),
    sinks: sinks ? await loader.vector(`${prefix}.sinks`, heads) : undefined,
  };
}

async function loadMlp(
  loader: WeightLoader,
  { hiddenSize }: ModelConfig,
  { intermediateSize: inner }: LayerConfig,
  prefix: string,
): Promise<MlpWeights> {
  return {
    gate: await projection(loader, `${prefix}.gate_proj`, [inner, hiddenSize], false),
    up: await projection(loader, `${prefix}.up_proj`, [inner, hiddenSize], false),
    down: await projection(loader, `${prefix}.down_proj`, [hiddenSize, inner], false),
  };
}

async function loadExperts(
  loader: WeightLoader,
  { hiddenSize }: ModelConfig,
  { count }: ExpertsConfig,
  { intermediateSize: inner }: LayerConfig,
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

async function loadInput(
  loader: WeightLoader,
  { hiddenSize, layerEmbedding }: ModelConfig,
  prefix: string,
): Promise<LayerInputWeights | undefined> {
  if (!layerEmbedding) return undefined;
  const { size } = layerEmbedding;
  return {
    gate: await projection(loader, `${prefix}.per_layer_input_gate`, [size, hiddenSize], false),
    projection: await projection(
      loader,
      `${prefix}.per_layer_projection`,
      [hiddenSize, size],
      false,
    ),
    norm: await loader.vector(`${prefix}.post_per_layer_input_norm.weight`, hiddenSize),
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
