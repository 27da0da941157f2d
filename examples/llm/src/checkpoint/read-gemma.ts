import {
  readCommon,
  readLayers,
  readOptional,
  readWindow,
  refuse,
  sameKinds,
} from './config-parts.ts';
import type { ConfigReader } from './config-reader.ts';
import type { LayerConfig, LayerKind, ModelConfig } from './model-config.ts';
import { type Rope, readRope } from './rope-angles.ts';

/** Sizes that the text configurations of published files leave out. */
const defaults3 = { vocabSize: 262_208, heads: 8, kvHeads: 4, headDim: 256, context: 131_072 };

/** Reads the keys that Gemma 3 and 4 share. */
function readGemma(reader: ConfigReader): ReturnType<typeof readCommon> {
  reader.only('attention_bias', false);
  reader.only('hidden_activation', 'gelu_pytorch_tanh');
  const common = readCommon(reader, defaults3);
  return {
    ...common,
    tied: reader.boolean('tie_word_embeddings', true),
    activation: 'gelu-tanh',
    qkNorm: true,
    sandwichNorms: true,
    embeddingScale: Math.sqrt(common.hiddenSize),
    logitCap: readOptional(reader, 'final_logit_softcapping'),
  };
}

/** The text model of Gemma 3. */
export function readGemma3(reader: ConfigReader): ModelConfig {
  reader.ignore('_sliding_window_pattern');
  const pattern = reader.whole('sliding_window_pattern', 6);
  const local = reader.number('rope_local_base_freq', 10_000);
  const common = readGemma(reader);
  const ropes = readRopes(reader, local);
  const kinds = sameKinds(common, ropes.full, readWindow(reader));
  return {
    ...common,
    layers: readLayers(reader, (i) => ((i + 1) % pattern === 0 ? 'full' : 'sliding')),
    kinds: { ...kinds, sliding: { ...kinds.sliding, rope: ropes.sliding } },
    normOffset: 1,
    scoreScale: reader.number('query_pre_attn_scalar', 256) ** -0.5,
    softcap: readOptional(reader, 'attn_logit_softcapping'),
  };
}

/** Sliding layers have a base of their own; scaling concerns full layers alone. Newer files have a set of parameters per kind. */
function readRopes(reader: ConfigReader, local: number): Record<LayerKind, Rope> {
  const perKind = reader.object('rope_parameters');
  if (!perKind) return { full: readRope(reader, 1_000_000), sliding: { theta: local } };
  const ropes = {
    full: readRope(perKind, 1_000_000, 'full_attention'),
    sliding: readRope(perKind, local, 'sliding_attention'),
  };
  perKind.finish();
  return ropes;
}

/** The text model of Gemma 4 without mixtures of experts. */
export function readGemma4(reader: ConfigReader): ModelConfig {
  // Sizes of parts that are refused below.
  reader.only('enable_moe_block', false);
  reader.ignore(
    'num_experts',
    'top_k_experts',
    'moe_intermediate_size',
    'expert_intermediate_size',
  );
  // Spans of images see one another; texts have none.
  reader.oneOf('use_bidirectional_attention', ['vision'], 'vision');
  const common = readGemma(reader);
  const { kvHeads, headDim } = common;
  const keysAsValues = reader.boolean('attention_k_eq_v', false);
  const ropes = readRopes(reader, 10_000);
  const sliding = {
    kvHeads,
    headDim,
    rope: ropes.sliding,
    window: readWindow(reader),
    keysAsValues: false,
  };
  const globalHeads = readOptional(reader, 'num_global_key_value_heads') ?? kvHeads;
  const full = {
    kvHeads: keysAsValues ? globalHeads : kvHeads,
    headDim: reader.whole('global_head_dim', 512),
    rope: ropes.full,
    window: undefined,
    keysAsValues,
  };
  const size = reader.number('hidden_size_per_layer_input', 256);
  const vocabSize = reader.whole('vocab_size_per_layer_input', common.vocabSize);
  return {
    ...common,
    layers: readSharing(
      reader,
      readLayers(reader, (i) => ((i + 1) % 6 === 0 ? 'full' : 'sliding')),
    ),
    kinds: { full, sliding },
    scoreScale: 1,
    vNorm: true,
    layerScale: true,
    layerEmbedding: size > 0 ? { vocabSize, size } : undefined,
  };
}

/** The last `num_kv_shared_layers` layers read the last layer of their kind before them. */
function readSharing(reader: ConfigReader, layers: readonly LayerConfig[]): LayerConfig[] {
  const shared = reader.number('num_kv_shared_layers', 0);
  const widening = reader.boolean('use_double_wide_mlp', false) ? 2 : 1;
  const first = layers.length - shared;
  return layers.map((layer, i) => {
    if (i < first) return layer;
    const reads = layers.slice(0, first).findLastIndex(({ kind }) => kind === layer.kind);
    if (reads < 0) refuse(`a ${layer.kind} layer before the ${shared} that share`, 'none');
    return { ...layer, reads, intermediateSize: layer.intermediateSize * widening };
  });
}

/** Reads the text model of one that also has parts for images and sound. */
export function partOf(
  read: (reader: ConfigReader) => ModelConfig,
): (reader: ConfigReader) => ModelConfig {
  return (reader) => {
    reader.ignore(
      'model_type',
      'torch_dtype',
      'dtype',
      'transformers_version',
      'initializer_range',
    );
    reader.ignore(
      'vision_config',
      'audio_config',
      'mm_tokens_per_image',
      'vision_soft_tokens_per_image',
    );
    for (const kind of ['image', 'video', 'audio', 'boi', 'eoi', 'boa', 'eoa']) {
      reader.ignore(`${kind}_token_id`, `${kind}_token_index`);
    }
    const outer = reader.numbers('eos_token_id');
    const tied = reader.boolean('tie_word_embeddings', true);
    const text = reader.object('text_config') ?? refuse('there must be a text_config', 'none');
    const config = read(text);
    text.finish();
    const endTokens = outer.length > 0 ? outer : config.endTokens;
    return { ...config, tied: config.tied && tied, endTokens, isPart: true };
  };
}
