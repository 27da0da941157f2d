import { packHalves, unpackHalves } from '@heed/core/kernel';
import { Rng } from '@heed/testing';
import type { CheckpointFolder } from '../src/checkpoint/checkpoint-folder.ts';

/** A config.json. */
// oxlint-disable-next-line typescript/no-explicit-any -- the reference reads published keys as they are
export type Config = Record<string, any>;

export type StoredType = 'F32' | 'F16' | 'BF16';

/** A small checkpoint of random weights in the published format, and the same weights for the reference. */
export interface RandomCheckpoint {
  readonly config: Config;
  readonly dtype: StoredType;
  /** The stored values by name. */
  readonly weights: ReadonlyMap<string, Weight>;
  /** The files of `folder`. */
  readonly names: readonly string[];
  readonly folder: CheckpointFolder;
}

export interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Names and shapes of an architecture's weights, as Hugging Face Transformers saves them. */
function* published(config: Config): Generator<[name: string, shape: number[]]> {
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocab } = config;
  const [architecture] = config['architectures'] as [string];
  const is = (...names: string[]): boolean =>
    names.some((name) => architecture === `${name}ForCausalLM`);
  const perLayer: number = is('Gemma4') ? config['hidden_size_per_layer_input'] : 0;
  const layers: number = config['num_hidden_layers'];
  yield ['model.embed_tokens.weight', [vocab, hidden]];
  if (perLayer > 0) {
    yield ['model.embed_tokens_per_layer.weight', [vocab, layers * perLayer]];
    yield ['model.per_layer_model_projection.weight', [layers * perLayer, hidden]];
    yield ['model.per_layer_projection_norm.weight', [perLayer]];
  }
  for (let i = 0; i < layers; i++) {
    const at = (name: string): string => `model.layers.${i}.${name}`;
    const isGlobal = is('Gemma4') && config['layer_types'][i] === 'full_attention';
    const isShared = i >= layers - (config['num_kv_shared_layers'] ?? 0);
    const keysAsValues = isGlobal && config['attention_k_eq_v'];
    const heads: number = config['num_attention_heads'];
    const kvHeads: number =
      config[keysAsValues ? 'num_global_key_value_heads' : 'num_key_value_heads'];
    const dim: number = isGlobal
      ? config['global_head_dim']
      : (config['head_dim'] ?? hidden / heads);
    const [queries, keys] = [heads * dim, kvHeads * dim];
    yield [at('input_layernorm.weight'), [hidden]];
    yield [at('post_attention_layernorm.weight'), [hidden]];
    if (is('Gemma3', 'Gemma4')) {
      yield [at('pre_feedforward_layernorm.weight'), [hidden]];
      yield [at('post_feedforward_layernorm.weight'), [hidden]];
    }
    for (const [name, rows, columns] of [
      ['q', queries, hidden],
      ['k', keys, hidden],
      ['v', keys, hidden],
      ['o', hidden, queries],
    ] as const) {
      if ((isShared && 'kv'.includes(name)) || (keysAsValues && name === 'v')) continue;
      yield [at(`self_attn.${name}_proj.weight`), [rows, columns]];
      const hasBias = is('Qwen2') ? name !== 'o' : config['attention_bias'];
      if (hasBias) yield [at(`self_attn.${name}_proj.bias`), [rows]];
    }
    if (is('Qwen3', 'Gemma3', 'Gemma4')) {
      yield [at('self_attn.q_norm.weight'), [dim]];
      if (!isShared) yield [at('self_attn.k_norm.weight'), [dim]];
    }
    if (is('Gemma4')) yield [at('layer_scalar'), [1]];
    if (perLayer > 0) {
      yield [at('per_layer_input_gate.weight'), [perLayer, hidden]];
      yield [at('per_layer_projection.weight'), [hidden, perLayer]];
      yield [at('post_per_layer_input_norm.weight'), [hidden]];
    }
    if (is('GptOss')) {
      const experts: number = config['num_local_experts'];
      yield [at('self_attn.sinks'), [config['num_attention_heads']]];
      yield [at('mlp.router.weight'), [experts, hidden]];
      yield [at('mlp.router.bias'), [experts]];
      // The matrices of experts are [in, out].
      yield [at('mlp.experts.gate_up_proj'), [experts, hidden, 2 * inner]];
      yield [at('mlp.experts.gate_up_proj_bias'), [experts, 2 * inner]];
      yield [at('mlp.experts.down_proj'), [experts, inner, hidden]];
      yield [at('mlp.experts.down_proj_bias'), [experts, hidden]];
      continue;
    }
    const width = isShared && config['use_double_wide_mlp'] ? 2 * inner : inner;
    yield [at('mlp.gate_proj.weight'), [width, hidden]];
    yield [at('mlp.up_proj.weight'), [width, hidden]];
    yield [at('mlp.down_proj.weight'), [hidden, width]];
  }
  yield ['model.norm.weight', [hidden]];
  if (!(config['tie_word_embeddings'] ?? is('Gemma3', 'Gemma4')))
    yield ['lm_head.weight', [vocab, hidden]];
}

export interface CheckpointOptions {
  readonly seed?: number;
  readonly dtype?: StoredType;
  /** Number of files. */
  readonly shards?: number;
}

/** Makes a checkpoint. */
export function randomCheckpoint(
  config: Config,
  { seed = 1, dtype = 'F32', shards = 1 }: CheckpointOptions = {},
): RandomCheckpoint {
  const rng = new Rng(seed);
  const weights = new Map<string, Weight>();
  for (const [name, shape] of published(config)) {
    const exact = rng.normals(shape.reduce((a, b) => a * b, 1));
    const isNorm = /norm|layer_scalar/.test(name);
    // Weights of norms are about 1; Gemma 3 stores them less 1.
    const mean = isNorm && !config['architectures'][0].startsWith('Gemma3') ? 1 : 0;
    const scale = isNorm
      ? 0.3
      : /bias|sinks/.test(name)
        ? 0.5
        : shape.at(shape.length === 3 ? 1 : -1)! ** -0.5;
    weights.set(name, {
      shape,
      values: rounded(
        exact.map((x) => mean + scale * x),
        dtype,
      ),
    });
  }
  const files = filesOf(config, weights, dtype, shards);
  return { config, dtype, weights, names: Object.keys(files), folder: folderOf(files) };
}

const halves = { F16: 'f16', BF16: 'bf16' } as const;

const rounded = (values: Float32Array, dtype: StoredType): Float32Array =>
  dtype === 'F32' ? values : unpackHalves(packHalves(values, halves[dtype]), halves[dtype]);

/** A folder of files in memory. */
export function folderOf(files: Readonly<Record<string, Blob | object>>): CheckpointFolder {
  return async (name) => {
    const file = files[name];
    return file === undefined || file instanceof Blob ? file : new Blob([JSON.stringify(file)]);
  };
}

function filesOf(
  config: Config,
  weights: ReadonlyMap<string, Weight>,
  dtype: StoredType,
  shards: number,
): Record<string, Blob | object> {
  const files: Record<string, Blob | object> = { 'config.json': config };
  const all = [...weights];
  if (shards === 1) return { ...files, 'model.safetensors': safetensors(all, dtype) };
  const map: Record<string, string> = {};
  for (let i = 0; i < shards; i++) {
    const name = `model-${i + 1}-of-${shards}.safetensors`;
    const some = all.filter((_, n) => n % shards === i);
    files[name] = safetensors(some, dtype);
    for (const [key] of some) map[key] = name;
  }
  return { ...files, 'model.safetensors.index.json': { metadata: {}, weight_map: map } };
}

/** Writes a safetensors file. */
export function safetensors(weights: readonly [string, Weight][], dtype: StoredType): Blob {
  const header: Record<string, object> = { __metadata__: { format: 'pt' } };
  const data: BlobPart[] = [];
  let end = 0;
  for (const [name, { shape, values }] of weights) {
    const bytes = dtype === 'F32' ? values.slice() : packHalves(values, halves[dtype]).slice();
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.byteLength] };
    end += bytes.byteLength;
    data.push(bytes);
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new BigUint64Array([BigInt(json.length)]);
  return new Blob([length, json, ...data]);
}
