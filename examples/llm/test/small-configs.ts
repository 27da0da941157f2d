import type { Config } from './random-checkpoint.ts';

/** Small models of each architecture, with the keys of published files. */
const common = {
  hidden_size: 48,
  intermediate_size: 80,
  max_position_embeddings: 256,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  vocab_size: 100,
  attention_dropout: 0,
  initializer_range: 0.02,
  bos_token_id: 1,
  eos_token_id: 2,
  torch_dtype: 'bfloat16',
  transformers_version: '4.57.0',
  use_cache: true,
};

export const llama3: Config = {
  ...common,
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  head_dim: 16,
  hidden_act: 'silu',
  mlp_bias: false,
  model_type: 'llama',
  pretraining_tp: 1,
  rms_norm_eps: 1e-5,
  rope_scaling: {
    factor: 8,
    high_freq_factor: 4,
    low_freq_factor: 1,
    original_max_position_embeddings: 64,
    rope_type: 'llama3',
  },
  rope_theta: 500,
  tie_word_embeddings: true,
};

/** hidden_size / heads is the head dim; the output matrix is apart. */
export const qwen2: Config = {
  ...common,
  architectures: ['Qwen2ForCausalLM'],
  hidden_act: 'silu',
  max_window_layers: 1,
  model_type: 'qwen2',
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  sliding_window: 32,
  tie_word_embeddings: false,
  use_sliding_window: false,
};

export const qwen3: Config = {
  ...common,
  architectures: ['Qwen3ForCausalLM'],
  attention_bias: false,
  head_dim: 24,
  hidden_act: 'silu',
  max_window_layers: 2,
  model_type: 'qwen3',
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1_000_000,
  sliding_window: null,
  tie_word_embeddings: true,
  use_sliding_window: false,
};

export const gemma3: Config = {
  ...common,
  num_hidden_layers: 4,
  architectures: ['Gemma3ForCausalLM'],
  attention_bias: false,
  attn_logit_softcapping: null,
  cache_implementation: 'hybrid',
  eos_token_id: [1, 2],
  final_logit_softcapping: null,
  head_dim: 16,
  hidden_activation: 'gelu_pytorch_tanh',
  model_type: 'gemma3_text',
  query_pre_attn_scalar: 20,
  rms_norm_eps: 1e-6,
  rope_local_base_freq: 100,
  rope_scaling: { factor: 8, rope_type: 'linear' },
  rope_theta: 10_000,
  sliding_window: 6,
  sliding_window_pattern: 3,
};
