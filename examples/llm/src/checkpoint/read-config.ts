import { UnsupportedError } from '@heed/core';
import { MAX_TOP } from '../kernels/top-logits.ts';
import { readCommon, readLayers, readWindow, refuse, sameKinds } from './config-parts.ts';
import { ConfigReader } from './config-reader.ts';
import type { ModelConfig } from './model-config.ts';
import { partOf, readGemma3, readGemma4 } from './read-gemma.ts';
import { readRope } from './rope-angles.ts';

/** By the name in `architectures`, as Hugging Face Transformers has it. */
const readings = {
  LlamaForCausalLM: readLlama,
  Qwen2ForCausalLM: readQwen2,
  Qwen3ForCausalLM: readQwen3,
  GptOssForCausalLM: readGptOss,
  Gemma3ForCausalLM: readGemma3,
  Gemma3ForConditionalGeneration: partOf(readGemma3),
  Gemma4ForCausalLM: readGemma4,
  Gemma4ForConditionalGeneration: partOf(readGemma4),
} as const satisfies Record<string, (reader: ConfigReader) => ModelConfig>;

const architectures = Object.keys(readings) as (keyof typeof readings)[];

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
  const [name] = reader.listOf('architectures', architectures) ?? [];
  if (name === undefined)
    refuse(`architectures must name one of ${architectures.join(', ')}`, 'none');
  const config = readings[name](reader);
  reader.finish();
  checkSizes(config);
  return config;
}

function checkSizes({ heads, layers, kinds }: ModelConfig): void {
  for (const kind of new Set(layers.map((layer) => layer.kind))) {
    const { kvHeads, headDim, window } = kinds[kind];
    if (heads % kvHeads !== 0) {
      refuse(
        'num_attention_heads must be a multiple of num_key_value_heads',
        `${heads}, ${kvHeads}`,
      );
    }
    if (headDim % 2 !== 0 || headDim > 576)
      refuse('head_dim must be even and at most 576', headDim);
    if (kind === 'sliding' && window === undefined) {
      refuse('sliding layers need a sliding_window', 'none');
    }
  }
}

/** Llama 3.1 and 3.2, and older ones. */
function readLlama(reader: ConfigReader): ModelConfig {
  const bias = reader.boolean('attention_bias', false);
  reader.only('mlp_bias', false);
  reader.only('hidden_act', 'silu');
  const common = readCommon(reader);
  return {
    ...common,
    layers: readLayers(reader, () => 'full'),
    kinds: sameKinds(common, readRope(reader, 10_000), undefined),
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
  const common = readCommon(reader);
  return {
    ...common,
    layers: slides ? layers : layers.map((layer) => ({ ...layer, kind: 'full' })),
    kinds: sameKinds(common, readRope(reader, 10_000), window),
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
  const common = readCommon(reader);
  return {
    ...common,
    layers: readLayers(reader, (i) => (i % 2 === 0 ? 'sliding' : 'full')),
    kinds: sameKinds(common, readRope(reader, 150_000), readWindow(reader)),
    activation: 'clamped-swish',
    bias: { qkv: bias, out: bias },
    sinks: true,
    experts,
  };
}
