import { ValidationError } from '@heed/core';
import type { ConfigReader } from './config-reader.ts';
import type { AttentionConfig, LayerConfig, LayerKind, ModelConfig } from './model-config.ts';
import type { Rope } from './rope-angles.ts';

/** Keys of training, of other libraries and of caches, which do not change logits. */
const idle = [
  'model_type',
  'torch_dtype',
  'dtype',
  'transformers_version',
  '_name_or_path',
  'use_cache',
  'cache_implementation',
  'initializer_range',
  'attention_dropout',
  'bos_token_id',
  'pad_token_id',
  'output_router_logits',
  'router_aux_loss_coef',
];

/** Sizes that the file of an architecture may leave out. */
interface Defaults {
  readonly vocabSize?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly context?: number;
}

/** The keys that every architecture has. */
type Common = Omit<ModelConfig, 'layers' | 'kinds'> & {
  readonly kvHeads: number;
  readonly headDim: number;
};

/** Reads them; what an architecture reads otherwise replaces them. */
export function readCommon(reader: ConfigReader, defaults: Defaults = {}): Common {
  reader.ignore(...idle);
  reader.only('pretraining_tp', 1);
  const hiddenSize = reader.whole('hidden_size');
  const heads = reader.whole('num_attention_heads', defaults.heads);
  const kvHeads = reader.whole('num_key_value_heads', defaults.kvHeads ?? heads);
  const headDim = reader.whole('head_dim', defaults.headDim ?? hiddenSize / heads);
  return {
    vocabSize: reader.whole('vocab_size', defaults.vocabSize),
    hiddenSize,
    heads,
    kvHeads,
    headDim,
    contextLength: reader.whole('max_position_embeddings', defaults.context),
    activation: 'silu',
    normEps: reader.number('rms_norm_eps', 1e-6),
    normOffset: 0,
    bias: { qkv: false, out: false },
    qkNorm: false,
    vNorm: false,
    sandwichNorms: false,
    sinks: false,
    scoreScale: headDim ** -0.5,
    softcap: undefined,
    logitCap: undefined,
    embeddingScale: 1,
    layerScale: false,
    tied: reader.boolean('tie_word_embeddings', false),
    experts: undefined,
    layerEmbedding: undefined,
    isPart: false,
    endTokens: reader.numbers('eos_token_id'),
  };
}

const kindNames = { full_attention: 'full', sliding_attention: 'sliding' } as const;

/** Reads the layers from `layer_types`, or by a rule of older files. */
export function readLayers(
  reader: ConfigReader,
  rule: (layer: number) => LayerKind,
): LayerConfig[] {
  const count = reader.whole('num_hidden_layers');
  const intermediateSize = reader.whole('intermediate_size');
  const names = reader.listOf('layer_types', Object.keys(kindNames) as (keyof typeof kindNames)[]);
  if (names && names.length !== count) {
    refuse(`layer_types must have num_hidden_layers = ${count} entries`, names.length);
  }
  const kinds =
    names?.map((name) => kindNames[name]) ?? Array.from({ length: count }, (_, i) => rule(i));
  return kinds.map((kind) => ({ kind, reads: undefined, intermediateSize }));
}

/** Returns kinds that differ in their window alone. */
export function sameKinds(
  { kvHeads, headDim }: Pick<Common, 'kvHeads' | 'headDim'>,
  rope: Rope,
  window: number | undefined,
): Record<LayerKind, AttentionConfig> {
  const full = { kvHeads, headDim, rope, window: undefined, keysAsValues: false };
  return { full, sliding: { ...full, window } };
}

/** `sliding_window` counts the query's own key; heed's windows do not. */
export const readWindow = (reader: ConfigReader): number | undefined =>
  reader.has('sliding_window') ? reader.whole('sliding_window') - 1 : undefined;

/** Reads a number that may be absent. */
export const readOptional = (reader: ConfigReader, key: string): number | undefined =>
  reader.has(key) ? reader.number(key) : undefined;

export function refuse(rule: string, got: unknown): never {
  throw new ValidationError(`config.json: ${rule}; got ${String(got)}. Check the file.`);
}
