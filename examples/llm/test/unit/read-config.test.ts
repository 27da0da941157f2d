import { UnsupportedError, ValidationError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/checkpoint/read-config.ts';
import { ropeAngles } from '../../src/checkpoint/rope-angles.ts';
import { gemma3, llama3, qwen2, qwen3 } from '../small-configs.ts';

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
    ['capped logits', { ...gemma3, final_logit_softcapping: 30 }, 'final_logit_softcapping = 30'],
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
    expect(config.window).toBe(5);
    expect(config.layers).toEqual(['sliding', 'sliding', 'full', 'sliding']);
    expect(readConfig(qwen2)).toMatchObject({ window: undefined, layers: ['full', 'full'] });
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
