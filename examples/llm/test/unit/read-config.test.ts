import { UnsupportedError, ValidationError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/checkpoint/read-config.ts';
import { ropeAngles } from '../../src/checkpoint/rope-angles.ts';
import { gemma3, gemma4, gemma4e, llama3, qwen2, qwen3 } from '../small-configs.ts';

describe('readConfig', () => {
  it.for([
    [
      'an unknown architecture',
      { ...llama3, architectures: ['MambaForCausalLM'] },
      'architectures',
    ],
    ['another activation', { ...llama3, hidden_act: 'relu' }, 'hidden_act = "relu"'],
    ['a bias of the MLP', { ...llama3, mlp_bias: true }, 'mlp_bias = true'],
    ['a key that nobody knows', { ...qwen3, layerdrop: 0.5 }, 'layerdrop = 0.5'],
    ['a vision tower', { ...gemma3, vision_config: {} }, 'vision_config = {}'],
    [
      'attention in both directions',
      { ...gemma3, use_bidirectional_attention: true },
      'use_bidirectional_attention',
    ],
    [
      'other angles',
      { ...llama3, rope_scaling: { rope_type: 'longrope' } },
      'rope_type = "longrope"',
    ],
    [
      'angles with another key',
      { ...llama3, rope_scaling: { ...llama3['rope_scaling'], mscale: 2 } },
      'mscale = 2',
    ],
    [
      'angles of a part of a head',
      { ...llama3, rope_scaling: null, partial_rotary_factor: 0.5 },
      'partial_rotary_factor = 0.5',
    ],
    [
      'layers of another kind',
      { ...qwen2, layer_types: ['full_attention', 'chunked_attention'] },
      'layer_types = "chunked_attention"',
    ],
    [
      'mxfp4',
      { ...llama3, quantization_config: { quant_method: 'mxfp4' } },
      'quant_method "mxfp4"',
    ],
  ] as const)('refuses %s by its key', ([, config, message]) => {
    expect(() => readConfig(config)).toThrow(UnsupportedError);
    expect(() => readConfig(config)).toThrow(message);
  });

  it.for([
    [{ ...llama3, hidden_size: '48' }, 'hidden_size must be a whole number above 0; got "48"'],
    [{ ...llama3, num_key_value_heads: 3 }, 'num_attention_heads must be a multiple'],
    [{ ...llama3, head_dim: 15 }, 'head_dim must be even'],
    [{ ...qwen2, head_dim: undefined, hidden_size: 50 }, 'head_dim must be a whole number'],
    [{ ...gemma3, sliding_window: null }, 'sliding layers need a sliding_window'],
    [
      { ...gemma3, layer_types: ['full_attention'] },
      'layer_types must have num_hidden_layers = 4 entries; got 1',
    ],
    [{ ...llama3, architectures: undefined }, 'architectures must name one of LlamaForCausalLM'],
    [[], 'must be an object'],
  ] as const)('refuses malformed values: %#', ([config, message]) => {
    expect(() => readConfig(config)).toThrow(ValidationError);
    expect(() => readConfig(config)).toThrow(message);
  });

  it('ignores keys that request nothing', () => {
    const idle = { use_cool_feature: false, other: null, torch_dtype: 'float16' };
    expect(readConfig({ ...llama3, ...idle })).toEqual(readConfig(llama3));
  });

  it('reads the keys of newer files as those of older ones', () => {
    const { rope_theta, rope_scaling, torch_dtype, ...rest } = llama3;
    const rope_parameters = { rope_theta, ...rope_scaling };
    expect(readConfig({ ...rest, dtype: torch_dtype, rope_parameters })).toEqual(
      readConfig(llama3),
    );

    const {
      rope_theta: base,
      rope_scaling: far,
      rope_local_base_freq: local,
      sliding_window_pattern,
      ...text
    } = gemma3;
    const newer = {
      ...text,
      _sliding_window_pattern: sliding_window_pattern,
      layer_types: [0, 0, 1, 0].map((full) => (full ? 'full_attention' : 'sliding_attention')),
      rope_parameters: {
        full_attention: { rope_theta: base, ...far },
        sliding_attention: { rope_theta: local, rope_type: 'default' },
      },
    };
    expect(readConfig(newer)).toEqual(readConfig(gemma3));
  });

  it('counts the query’s own key in sliding_window', () => {
    const config = readConfig(gemma3);
    expect(config.kinds.sliding.window).toBe(5);
    expect(config.layers.map(({ kind }) => kind)).toEqual([
      'sliding',
      'sliding',
      'full',
      'sliding',
    ]);
    expect(readConfig(qwen2).layers.map(({ kind }) => kind)).toEqual(['full', 'full']);
  });
});

describe('readConfig of Gemma', () => {
  it('fills in the sizes that text configurations of published files leave out', () => {
    const text_config = {
      hidden_size: 2560,
      intermediate_size: 10_240,
      model_type: 'gemma3_text',
      num_hidden_layers: 34,
      rope_scaling: { factor: 8, rope_type: 'linear' },
      sliding_window: 1024,
    };
    const outer = { boi_token_index: 255_999, mm_tokens_per_image: 256, vision_config: {} };
    const architectures = ['Gemma3ForConditionalGeneration'];
    const config = readConfig({ architectures, eos_token_id: [1, 106], text_config, ...outer });
    expect(config).toMatchObject({ vocabSize: 262_208, heads: 8, tied: true, endTokens: [1, 106] });
    expect(config.kinds.sliding).toMatchObject({ kvHeads: 4, headDim: 256, window: 1023 });
    const extra = { ...text_config, num_experts: 4 };
    expect(() => readConfig({ architectures, text_config: extra })).toThrow(
      'text_config: this program',
    );
  });

  it('reads which layers of Gemma 4 read those of another', () => {
    const { layers, kinds } = readConfig(gemma4e);
    expect(layers.map(({ reads }) => reads)).toEqual([undefined, undefined, undefined, 2, 1]);
    expect(layers.map(({ intermediateSize }) => intermediateSize)).toEqual([80, 80, 80, 160, 160]);
    expect(kinds.full).toMatchObject({ headDim: 32, kvHeads: 2, keysAsValues: false });
    expect(readConfig(gemma4).kinds.full).toMatchObject({ kvHeads: 1, keysAsValues: true });
    expect(() => readConfig({ ...gemma4e, num_kv_shared_layers: 4 })).toThrow(
      'a full layer before',
    );
  });
});

describe('ropeAngles', () => {
  it('has a row per position and a column per pair', () => {
    const { cos, sin } = ropeAngles({ theta: 100 }, 4, 3);
    expect(cos).toEqual(
      Float32Array.of(1, 1, Math.cos(1), Math.cos(0.1), Math.cos(2), Math.cos(0.2)),
    );
    expect(sin).toEqual(
      Float32Array.of(0, 0, Math.sin(1), Math.sin(0.1), Math.sin(2), Math.sin(0.2)),
    );
  });
});
