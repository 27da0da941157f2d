import type { Config, RandomCheckpoint, Weight } from '../llm/test/random-checkpoint.ts';

/**
 * Writes a checkpoint as GGUF, llama.cpp's format, with f32 weights and words in place of a vocabulary: the metadata and the changes to weights that
 * llama.cpp's convert_hf_to_gguf.py makes. Source: github.com/ggml-org/ggml, docs/gguf.md.
 */
export function ggufFile(checkpoint: RandomCheckpoint): Uint8Array {
  const architecture = names[checkpoint.config['architectures'][0] as keyof typeof names];
  const metadata = Object.entries(metadataOf(checkpoint.config, architecture));
  const tensors = [...tensorsOf(checkpoint, architecture)];
  const head = new Bytes();
  head.text('GGUF', false);
  head.u32(3);
  head.u64(tensors.length);
  head.u64(metadata.length);
  for (const [key, value] of metadata) {
    head.text(key);
    head.value(value);
  }
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    head.text(name);
    head.u32(shape.length);
    // The innermost dimension comes first.
    for (const size of shape.toReversed()) head.u64(size);
    head.u32(F32);
    head.u64(end);
    end += aligned(values.byteLength);
  }
  const start = aligned(head.list.length);
  const file = new Uint8Array(start + end);
  file.set(head.list);
  let at = start;
  for (const [, { values }] of tensors) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += aligned(values.byteLength);
  }
  return file;
}

/** llama.cpp's names of architectures. */
const names = {
  LlamaForCausalLM: 'llama',
  Qwen2ForCausalLM: 'qwen2',
  Qwen3ForCausalLM: 'qwen3',
  Gemma3ForCausalLM: 'gemma3',
  GptOssForCausalLM: 'gpt-oss',
  Gemma4ForCausalLM: 'gemma4',
} as const;

type Architecture = (typeof names)[keyof typeof names];

/** A whole number is written as u32, and one in an object as f32. */
type Value =
  | number
  | string
  | { readonly float: number }
  | readonly string[]
  | readonly boolean[]
  | Int32Array;

/** The number of the tensor type. */
const F32 = 0;

const aligned = (bytes: number): number => Math.ceil(bytes / 32) * 32;

class Bytes {
  readonly list: number[] = [];

  u32(x: number): void {
    this.list.push(...new Uint8Array(Uint32Array.of(x).buffer));
  }

  u64(x: number): void {
    this.list.push(...new Uint8Array(BigUint64Array.of(BigInt(x)).buffer));
  }

  text(text: string, counted = true): void {
    const bytes = new TextEncoder().encode(text);
    if (counted) this.u64(bytes.length);
    this.list.push(...bytes);
  }

  value(value: Value): void {
    if (typeof value === 'string') {
      this.u32(8);
      this.text(value);
    } else if (typeof value === 'number') {
      this.u32(4);
      this.u32(value);
    } else if (value instanceof Int32Array) {
      this.#array(5, value.length);
      this.list.push(...new Uint8Array(value.buffer));
    } else if ('float' in value) {
      this.u32(6);
      this.list.push(...new Uint8Array(Float32Array.of(value.float).buffer));
    } else if (typeof value[0] === 'boolean') {
      this.#array(7, value.length);
      this.list.push(...value.map(Number));
    } else {
      this.#array(8, value.length);
      for (const text of value as readonly string[]) this.text(text);
    }
  }

  #array(type: number, length: number): void {
    this.u32(9);
    this.u32(type);
    this.u64(length);
  }
}

function metadataOf(config: Config, architecture: Architecture): Record<string, Value> {
  const dim: number = config['head_dim'] ?? config['hidden_size'] / config['num_attention_heads'];
  const scaling = config['rope_scaling'] as Config | null | undefined;
  const own: Record<string, Value> = {
    vocab_size: config['vocab_size'],
    context_length: config['max_position_embeddings'],
    embedding_length: config['hidden_size'],
    block_count: config['num_hidden_layers'],
    feed_forward_length: config['intermediate_size'],
    'attention.head_count': config['num_attention_heads'],
    'attention.head_count_kv': config['num_key_value_heads'],
    'attention.key_length': dim,
    'attention.value_length': dim,
    'attention.layer_norm_rms_epsilon': { float: config['rms_norm_eps'] },
    'rope.freq_base': { float: config['rope_theta'] ?? 0 },
    'rope.dimension_count': dim,
  };
  if (scaling?.['rope_type'] === 'linear') {
    own['rope.scaling.type'] = 'linear';
    own['rope.scaling.factor'] = { float: scaling['factor'] };
  }
  if (scaling?.['rope_type'] === 'yarn') {
    own['rope.scaling.type'] = 'yarn';
    own['rope.scaling.factor'] = { float: scaling['factor'] };
    own['rope.scaling.original_context_length'] = scaling['original_max_position_embeddings'];
  }
  if (config['sliding_window'] && /gemma|gpt-oss/.test(architecture)) {
    own['attention.sliding_window'] = config['sliding_window'];
  }
  if (architecture === 'gemma4') Object.assign(own, gemma4Metadata(config));
  if (architecture === 'gpt-oss') {
    own['expert_count'] = config['num_local_experts'];
    own['expert_used_count'] = config['num_experts_per_tok'];
    own['expert_feed_forward_length'] = config['intermediate_size'];
  }
  return {
    'general.architecture': architecture,
    // A word per token, none of which is used: llama.cpp does not run without a tokenizer.
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.tokens': Array.from({ length: config['vocab_size'] }, (_, i) => `t${i}`),
    'tokenizer.ggml.token_type': new Int32Array(config['vocab_size']).fill(1),
    'tokenizer.ggml.merges': ['t 1'],
    ...Object.fromEntries(
      Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value]),
    ),
  };
}

/** The sizes of both kinds of layers; those without a suffix are of full ones. */
function gemma4Metadata(config: Config): Record<string, Value> {
  const kinds = config['rope_parameters'];
  const [dim, wide] = [config['head_dim'], config['global_head_dim']];
  const isSliding = (config['layer_types'] as string[]).map((type) => type === 'sliding_attention');
  const heads = config['num_key_value_heads'];
  const wideHeads = config['num_global_key_value_heads'] ?? heads;
  const first = config['num_hidden_layers'] - config['num_kv_shared_layers'];
  const width = config['intermediate_size'] * (config['use_double_wide_mlp'] ? 2 : 1);
  return {
    feed_forward_length: Int32Array.from(isSliding, (_, i) => {
      return i < first ? config['intermediate_size'] : width;
    }),
    'attention.head_count_kv': Int32Array.from(isSliding, (slides) => (slides ? heads : wideHeads)),
    'attention.key_length': wide,
    'attention.value_length': wide,
    'attention.key_length_swa': dim,
    'attention.value_length_swa': dim,
    'attention.sliding_window_pattern': isSliding,
    'attention.shared_kv_layers': config['num_kv_shared_layers'],
    'rope.dimension_count': wide,
    'rope.dimension_count_swa': dim,
    'rope.freq_base': { float: kinds['full_attention']['rope_theta'] },
    'rope.freq_base_swa': { float: kinds['sliding_attention']['rope_theta'] },
    embedding_length_per_layer_input: config['hidden_size_per_layer_input'],
    final_logit_softcapping: { float: config['final_logit_softcapping'] },
  };
}

/** llama.cpp's names of a layer's weights. */
const layerNames: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

const gemmaNames: Readonly<Record<string, string>> = {
  ...layerNames,
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
};

const gemma4Names: Readonly<Record<string, string>> = {
  ...gemmaNames,
  per_layer_input_gate: 'inp_gate',
  per_layer_projection: 'proj',
  post_per_layer_input_norm: 'post_norm',
};

const gptOssNames: Readonly<Record<string, string>> = {
  ...layerNames,
  post_attention_layernorm: 'post_attention_norm',
  'mlp.router': 'ffn_gate_inp',
};

const namesOf: Readonly<Record<Architecture, Readonly<Record<string, string>>>> = {
  llama: layerNames,
  qwen2: layerNames,
  qwen3: layerNames,
  gemma3: gemmaNames,
  gemma4: gemma4Names,
  'gpt-oss': gptOssNames,
};

const outerNames: Readonly<Record<string, string>> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
  'model.embed_tokens_per_layer.weight': 'per_layer_token_embd.weight',
  'model.per_layer_model_projection.weight': 'per_layer_model_proj.weight',
  'model.per_layer_projection_norm.weight': 'per_layer_proj_norm.weight',
};

function* tensorsOf(
  { config, weights }: RandomCheckpoint,
  architecture: Architecture,
): Generator<[name: string, weight: Weight]> {
  const inLayer = namesOf[architecture];
  for (const [name, weight] of weights) {
    const [, block, own] = /^model\.layers\.(\d+)\.(.*(?:experts|sinks).*)$/.exec(name) ?? [];
    if (own !== undefined) {
      for (const [to, part] of expertTensors(own, weight)) yield [`blk.${block}.${to}`, part];
      continue;
    }
    const [, scaled] = /^model\.layers\.(\d+)\.layer_scalar$/.exec(name) ?? [];
    if (scaled !== undefined) {
      yield [`blk.${scaled}.layer_output_scale.weight`, weight];
      continue;
    }
    const [, layer, noun, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    const to = noun === undefined ? outerNames[name]! : `blk.${layer}.${inLayer[noun]}.${kind}`;
    yield [to, converted(name, weight, config, architecture)];
  }
  const scaling = config['rope_scaling'] as Config | null | undefined;
  if (scaling?.['rope_type'] === 'llama3') yield ['rope_freqs.weight', llama3Factors(config)];
  if (architecture === 'gemma4') yield ['rope_freqs.weight', proportionalFactors(config)];
}

/** Sinks; the matrices of experts, [out, in] in GGUF, in which gate and up are apart; and their biases. */
function expertTensors(name: string, weight: Weight): [name: string, weight: Weight][] {
  const { shape, values } = weight;
  if (name === 'self_attn.sinks') return [['attn_sinks.weight', weight]];
  const isBias = name.endsWith('_bias');
  const [experts, rows, columns] = isBias
    ? [shape[0]!, 1, shape[1]!]
    : (shape as [number, number, number]);
  /** Every `step`-th column from `first` on, as rows. */
  const taken = (first: number, step: number): Weight => {
    const count = columns / step;
    const out = Float32Array.from({ length: experts * count * rows }, (_, at) => {
      const [expert, row] = [Math.floor(at / rows / count), at % rows];
      const column = first + step * (Math.floor(at / rows) % count);
      return values[(expert * rows + row) * columns + column]!;
    });
    return { shape: isBias ? [experts, count] : [experts, count, rows], values: out };
  };
  const kind = isBias ? 'bias' : 'weight';
  if (name.includes('down')) return [[`ffn_down_exps.${kind}`, taken(0, 1)]];
  return [
    [`ffn_gate_exps.${kind}`, taken(0, 2)],
    [`ffn_up_exps.${kind}`, taken(1, 2)],
  ];
}

function converted(
  name: string,
  weight: Weight,
  config: Config,
  architecture: Architecture,
): Weight {
  if (architecture === 'gemma3' && name.includes('norm')) {
    return { ...weight, values: weight.values.map((x) => x + 1) };
  }
  const heads = /\.([qk])_proj\./.exec(name)?.[1];
  if (architecture !== 'llama' || heads === undefined) return weight;
  return interleaved(weight, config[heads === 'q' ? 'num_attention_heads' : 'num_key_value_heads']);
}

/** llama.cpp rotates pairs (2i, 2i + 1) of Llama's heads, and the checkpoint pairs (i, i + headDim / 2): moves the rows. */
function interleaved({ shape, values }: Weight, heads: number): Weight {
  const columns = values.length / shape[0]!;
  const dim = shape[0]! / heads;
  const out = new Float32Array(values.length);
  for (let row = 0; row < shape[0]!; row++) {
    const [head, i] = [Math.floor(row / dim), row % dim];
    const from = head * dim + (i % 2) * (dim / 2) + Math.floor(i / 2);
    out.set(values.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return { shape, values: out };
}

/** The divisors of the angles, as the converter of Llama 3 computes them. */
function llama3Factors(config: Config): Weight {
  const { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } =
    config['rope_scaling'];
  const dim: number = config['head_dim'];
  const values = Float32Array.from({ length: dim / 2 }, (_, i) => {
    const wave = 2 * Math.PI * config['rope_theta'] ** ((2 * i) / dim);
    if (wave < original_max_position_embeddings / high_freq_factor) return 1;
    if (wave > original_max_position_embeddings / low_freq_factor) return factor;
    const smooth =
      (original_max_position_embeddings / wave - low_freq_factor) /
      (high_freq_factor - low_freq_factor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
  return { shape: [dim / 2], values };
}

/** The divisors of the angles of full layers: pairs that are not rotated get a large one. */
function proportionalFactors(config: Config): Weight {
  const pairs = config['global_head_dim'] / 2;
  const part = config['rope_parameters']['full_attention']['partial_rotary_factor'];
  const values = Float32Array.from({ length: pairs }, (_, i) =>
    i < Math.floor(part * pairs) ? 1 : 1e30,
  );
  return { shape: [pairs], values };
}
