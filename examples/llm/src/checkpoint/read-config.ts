import { UnsupportedError, ValidationError } from '@heed/core';
import { MAX_TOP } from '../kernels/top-logits.ts';
import { ConfigReader } from './config-reader.ts';
import type { LayerKind, ModelConfig } from './model-config.ts';
import { type Rope, readRope } from './rope-angles.ts';

/**
 * Reads a `config.json`.
 * @throws UnsupportedError it asks for what this program does not implement; the message has the key
 * @throws ValidationError a value is malformed, or values contradict one another
 */
export function readConfig(json: unknown): ModelConfig {
  const reader = new ConfigReader(json, 'config.json');
  const quantization = reader.object('quantization_config');
  if (quantization) {
    const method = JSON.stringify(quantization.raw('quant_method'));
    throw new UnsupportedError(
      `config.json: this program does not implement quantization_config with quant_method ${method}. Use a checkpoint in bf16, f16 or f32.`,
    );
  }
  const config = readArchitecture(reader);
  reader.finish();
  checkSizes(config);
  return config;
}

function checkSizes({ heads, kvHeads, headDim, layers, window }: ModelConfig): void {
  if (heads % kvHeads !== 0) {
    refuse('num_attention_heads must be a multiple of num_key_value_heads', `${heads}, ${kvHeads}`);
  }
  if (headDim % 2 !== 0 || headDim > 576) {
    refuse('head_dim must be even and at most 576', headDim);
  }
  if (layers.includes('sliding') && window === undefined) {
    refuse('sliding layers need a sliding_window', 'none');
  }
}

function refuse(rule: string, got: unknown): never {
  throw new ValidationError(`config.json: ${rule}; got ${String(got)}. Check the file.`);
}

/** Reads the keys of one architecture. */
type Reading = (reader: ConfigReader) => ModelConfig;

/** By the name in `architectures`, as Hugging Face Transformers has it. */
const readings = {
  LlamaForCausalLM: readLlama,
  Qwen2ForCausalLM: readQwen2,
  Qwen3ForCausalLM: readQwen3,
  Gemma3ForCausalLM: readGemma3,
  GptOssForCausalLM: readGptOss,
} as const satisfies Record<string, Reading>;

type Architecture = keyof typeof readings;

const architectures = Object.keys(readings) as Architecture[];

function readArchitecture(reader: ConfigReader): ModelConfig {
  const [name] = reader.listOf('architectures', architectures) ?? [];
  if (name === undefined) {
    throw new ValidationError(
      `config.json: architectures must name one of ${architectures.join(', ')}; got none. Use the model's own file.`,
    );
  }
  return readings[name](reader);
}

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

/** Reads the keys of every architecture; those that an architecture reads otherwise replace them. */
function readCommon(reader: ConfigReader): Omit<ModelConfig, 'ropes' | 'layers' | 'window'> {
  reader.ignore(...idle);
  reader.only('pretraining_tp', 1);
  const hiddenSize = reader.whole('hidden_size');
  const heads = reader.whole('num_attention_heads');
  const headDim = reader.whole('head_dim', hiddenSize / heads);
  return {
    vocabSize: reader.whole('vocab_size'),
    hiddenSize,
    intermediateSize: reader.whole('intermediate_size'),
    heads,
    kvHeads: reader.whole('num_key_value_heads', heads),
    headDim,
    contextLength: reader.whole('max_position_embeddings'),
    activation: 'silu',
    normEps: reader.number('rms_norm_eps', 1e-6),
    normOffset: 0,
    bias: { qkv: false, out: false },
    qkNorm: false,
    sandwichNorms: false,
    sinks: false,
    scoreScale: headDim ** -0.5,
    softcap: undefined,
    embeddingScale: 1,
    tied: reader.boolean('tie_word_embeddings', false),
    experts: undefined,
    endTokens: reader.numbers('eos_token_id'),
  };
}

const kinds = { full_attention: 'full', sliding_attention: 'sliding' } as const;

/** Reads the layers from `layer_types`, or by a rule of older files. */
function readLayers(reader: ConfigReader, rule: (layer: number) => LayerKind): LayerKind[] {
  const count = reader.whole('num_hidden_layers');
  const names = reader.listOf('layer_types', Object.keys(kinds) as (keyof typeof kinds)[]);
  if (names && names.length !== count) {
    throw new ValidationError(
      `config.json: layer_types must have num_hidden_layers = ${count} entries; got ${names.length}. Check the file.`,
    );
  }
  return names?.map((name) => kinds[name]) ?? Array.from({ length: count }, (_, i) => rule(i));
}

/** The same angles in all layers. */
const everywhere = (rope: Rope): ModelConfig['ropes'] => ({ full: rope, sliding: rope });

/** `sliding_window` counts the query's own key; heed's windows do not. */
const readWindow = (reader: ConfigReader): number | undefined =>
  reader.has('sliding_window') ? reader.whole('sliding_window') - 1 : undefined;

/** Llama 3.1 and 3.2, and older ones. */
function readLlama(reader: ConfigReader): ModelConfig {
  const bias = reader.boolean('attention_bias', false);
  reader.only('mlp_bias', false);
  reader.only('hidden_act', 'silu');
  return {
    ...readCommon(reader),
    layers: readLayers(reader, () => 'full'),
    window: undefined,
    ropes: everywhere(readRope(reader, 10_000)),
    bias: { qkv: bias, out: bias },
  };
}

/** The keys that Qwen 2 and 3 share. */
function readQwen(reader: ConfigReader): ModelConfig {
  reader.only('hidden_act', 'silu');
  const slides = reader.boolean('use_sliding_window', false);
  const window = readWindow(reader);
  const first = reader.number('max_window_layers', 28);
  const layers = readLayers(reader, (i) =>
    i >= first && window !== undefined ? 'sliding' : 'full',
  );
  return {
    ...readCommon(reader),
    layers: slides ? layers : layers.map(() => 'full'),
    window: slides ? window : undefined,
    ropes: everywhere(readRope(reader, 10_000)),
  };
}

function readQwen2(reader: ConfigReader): ModelConfig {
  return { ...readQwen(reader), bias: { qkv: true, out: false } };
}

function readQwen3(reader: ConfigReader): ModelConfig {
  const bias = reader.boolean('attention_bias', false);
  return { ...readQwen(reader), bias: { qkv: bias, out: bias }, qkNorm: true };
}

/** gpt-oss: windows in every second layer, sinks, and experts in place of MLPs. */
function readGptOss(reader: ConfigReader): ModelConfig {
  const bias = reader.boolean('attention_bias', true);
  reader.only('hidden_act', 'silu');
  reader.ignore('experts_per_token', 'initial_context_length');
  const experts = {
    count: reader.whole('num_local_experts'),
    perToken: reader.whole('num_experts_per_tok'),
    limit: reader.number('swiglu_limit', 7),
  };
  if (experts.perToken > Math.min(experts.count, MAX_TOP)) {
    refuse(
      `num_experts_per_tok may be at most num_local_experts, and ${MAX_TOP}`,
      experts.perToken,
    );
  }
  return {
    ...readCommon(reader),
    layers: readLayers(reader, (i) => (i % 2 === 0 ? 'sliding' : 'full')),
    window: readWindow(reader),
    ropes: everywhere(readRope(reader, 150_000)),
    activation: 'clamped-swish',
    bias: { qkv: bias, out: bias },
    sinks: true,
    experts,
  };
}

/** The text models of Gemma 3. */
function readGemma3(reader: ConfigReader): ModelConfig {
  reader.only('attention_bias', false);
  reader.only('hidden_activation', 'gelu_pytorch_tanh');
  reader.ignore('_sliding_window_pattern');
  const pattern = reader.whole('sliding_window_pattern', 6);
  const local = reader.number('rope_local_base_freq', 10_000);
  const common = readCommon(reader);
  return {
    ...common,
    tied: reader.boolean('tie_word_embeddings', true),
    layers: readLayers(reader, (i) => ((i + 1) % pattern === 0 ? 'full' : 'sliding')),
    window: readWindow(reader),
    ropes: readGemmaRopes(reader, local),
    activation: 'gelu-tanh',
    normOffset: 1,
    qkNorm: true,
    sandwichNorms: true,
    scoreScale: reader.number('query_pre_attn_scalar', 256) ** -0.5,
    softcap: reader.has('attn_logit_softcapping')
      ? reader.number('attn_logit_softcapping')
      : undefined,
    embeddingScale: Math.sqrt(common.hiddenSize),
  };
}

/** Sliding layers have a base of their own; scaling concerns full layers alone. Newer files have a set of parameters per kind. */
function readGemmaRopes(reader: ConfigReader, local: number): ModelConfig['ropes'] {
  const perKind = reader.has('rope_parameters') ? reader.object('rope_parameters')! : undefined;
  if (!perKind) return { full: readRope(reader, 1_000_000), sliding: { theta: local } };
  const ropes = {
    full: readRope(perKind, 1_000_000, 'full_attention'),
    sliding: readRope(perKind, local, 'sliding_attention'),
  };
  perKind.finish();
  return ropes;
}
