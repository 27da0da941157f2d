import type { Config, RandomCheckpoint } from './random-checkpoint.ts';

/**
 * The model by its definition: plain loops over a whole sequence, without a cache, from the keys of config.json and the weights'
 * published names. It shares no code with the program.
 */

type Round = (x: number) => number;
type Rows = number[][];

/** How the reference rounds. */
export interface Rounding {
  /** Rounds each result of arithmetic: none for float64, Math.fround for a naive run in f32. */
  readonly round?: Round;
  /** Rounds operand and result of GELU: llama.cpp has them in a table of f16. */
  readonly roundGelu?: Round;
}

const exact: Round = (x) => x;

/** Returns the logits of every position. */
export function referenceLogits(
  { config, dtype, weights }: RandomCheckpoint,
  tokens: readonly number[],
  { round = exact, roundGelu = exact }: Rounding = {},
): Rows {
  const [architecture] = config['architectures'] as [string];
  const isGemma3 = architecture === 'Gemma3ForCausalLM';
  const isGemma4 = architecture === 'Gemma4ForCausalLM';
  const isGemma = isGemma3 || isGemma4;
  const heads: number = config['num_attention_heads'];
  const eps: number = config['rms_norm_eps'];

  const vector = (name: string): number[] => Array.from(weights.get(name)!.values);
  const matrix = (name: string): Rows => {
    const { shape, values } = weights.get(name)!;
    return Array.from({ length: shape[0]! }, (_, r) =>
      Array.from(values.subarray(r * shape[1]!, (r + 1) * shape[1]!)),
    );
  };
  const dot = (a: number[], b: number[]): number =>
    a.reduce((sum, x, i) => round(sum + round(x * b[i]!)), 0);
  const add = (a: number[], b: number[]): number[] => a.map((x, i) => round(x + b[i]!));
  const project = (x: number[], name: string): number[] => {
    const y = matrix(`${name}.weight`).map((row) => dot(x, row));
    return weights.has(`${name}.bias`) ? add(y, vector(`${name}.bias`)) : y;
  };
  const unit = (x: number[]): number[] => {
    const scale = round(1 / Math.sqrt(round(round(dot(x, x) / x.length) + eps)));
    return x.map((value) => round(value * scale));
  };
  const norm = (x: number[], name: string): number[] => {
    const w = vector(`${name}.weight`);
    return unit(x).map((value, i) => round(value * round(isGemma3 ? 1 + w[i]! : w[i]!)));
  };
  const activate = (gate: number): number => {
    if (!isGemma) return round(gate / round(1 + round(Math.exp(-gate))));
    const g = roundGelu(gate);
    const u = round(Math.sqrt(2 / Math.PI) * round(g + round(0.044715 * round(g ** 3))));
    return roundGelu(round(0.5 * round(g * round(1 + round(Math.tanh(u))))));
  };
  // YaRN makes rotated vectors longer.
  const isYarn = config['rope_scaling']?.['rope_type'] === 'yarn';
  const turnScale = isYarn ? 0.1 * Math.log(config['rope_scaling']['factor']) + 1 : 1;
  const rotate = (x: number[], position: number, frequencies: number[]): number[] => {
    const half = x.length / 2;
    return x.map((value, i) => {
      const angle = position * frequencies[i % half]!;
      const cos = round(Math.cos(angle) * turnScale);
      const sin = round(Math.sin(angle) * turnScale);
      const other = i < half ? -x[i + half]! : x[i - half]!;
      return round(round(value * cos) + round(other * sin));
    });
  };
  /** `sink` is one more logit, of a key without a value. */
  const attend = (
    q: number[],
    keys: Rows,
    values: Rows,
    scale: number,
    sink?: number,
  ): number[] => {
    const scores = keys.map((k) => round(dot(q, k) * scale));
    const most = Math.max(...scores, sink ?? -Infinity);
    const powers = scores.map((s) => round(Math.exp(round(s - most))));
    const start = sink === undefined ? 0 : round(Math.exp(round(sink - most)));
    const total = powers.reduce((sum, p) => round(sum + p), start);
    const out = new Array<number>(values[0]!.length).fill(0);
    powers.forEach((p, j) => {
      for (let i = 0; i < out.length; i++) out[i] = round(out[i]! + round(p * values[j]![i]!));
    });
    return out.map((x) => round(x / total));
  };

  /** A mixture of experts: the `num_experts_per_tok` largest logits of the router choose and weight them. */
  const mixture = (x: number[], name: string): number[] => {
    const logits = project(x, `${name}.router`);
    const order = logits.map((_, e) => e).toSorted((a, b) => logits[b]! - logits[a]! || a - b);
    const chosen = order.slice(0, config['num_experts_per_tok']);
    const powers = chosen.map((e) => round(Math.exp(round(logits[e]! - logits[chosen[0]!]!))));
    const total = powers.reduce((sum, p) => round(sum + p), 0);
    const limit: number = config['swiglu_limit'];
    const results = chosen.map((e) => {
      const both = expert(x, `${name}.experts.gate_up_proj`, e);
      const hidden = Array.from({ length: both.length / 2 }, (_, i) => {
        const gate = Math.min(both[2 * i]!, limit);
        const up = Math.max(-limit, Math.min(both[2 * i + 1]!, limit));
        const glu = round(gate / round(1 + round(Math.exp(round(-1.702 * gate)))));
        return round(round(up + 1) * glu);
      });
      return expert(hidden, `${name}.experts.down_proj`, e);
    });
    return results[0]!.map((_, i) => {
      const sum = results.reduce((all, y, e) => round(all + round(powers[e]! * y[i]!)), 0);
      return round(sum / total);
    });
  };
  /** x · W[e] + b[e], where W is [experts, in, out]. */
  const expert = (x: number[], name: string, e: number): number[] => {
    const { shape, values } = weights.get(name)!;
    const [, rows, columns] = shape as [number, number, number];
    const bias = weights.get(`${name}_bias`)!.values;
    return Array.from({ length: columns }, (_, c) => {
      const column = x.map((_x, r) => values[(e * rows + r) * columns + c]!);
      return round(dot(x, column) + bias[e * columns + c]!);
    });
  };

  const embedding = matrix('model.embed_tokens.weight');
  // Transformers rounds the factor to the type of the weights: 7 bits after the first in bf16, 10 in f16.
  const bits = { F32: 23, F16: 10, BF16: 7 }[dtype];
  const rounded = (x: number): number => {
    const step = 2 ** (Math.floor(Math.log2(x)) - bits);
    return Math.round(x / step) * step;
  };
  const embedScale = isGemma ? rounded(Math.sqrt(config['hidden_size'])) : 1;
  let stream = tokens.map((token) => embedding[token]!.map((x) => round(x * embedScale)));
  const inputs = isGemma4 ? layerInputs(stream) : undefined;
  const stored: { k: Rows[]; v: Rows[] }[] = [];

  for (let layer = 0; layer < config['num_hidden_layers']; layer++) {
    const at = (name: string): string => `model.layers.${layer}.${name}`;
    const window = windowOf(config, layer);
    const dim = dimOf(config, layer);
    const scale = isGemma4 ? 1 : (isGemma3 ? config['query_pre_attn_scalar'] : dim) ** -0.5;
    const frequencies = frequenciesOf(config, dim, window !== undefined);
    const split = (all: number[]): Rows =>
      Array.from({ length: all.length / dim }, (_, h) => all.slice(h * dim, (h + 1) * dim));
    const turned = (x: number[], name: string, t: number): Rows =>
      split(project(x, at(`self_attn.${name}_proj`))).map((head) => {
        const normed = weights.has(at(`self_attn.${name}_norm.weight`))
          ? norm(head, at(`self_attn.${name}_norm`))
          : head;
        return rotate(normed, t, frequencies);
      });
    const valuesOf = (x: number[]): Rows => {
      const name = weights.has(at('self_attn.v_proj.weight')) ? 'v_proj' : 'k_proj';
      const all = split(project(x, at(`self_attn.${name}`)));
      return isGemma4 ? all.map(unit) : all;
    };
    const normed = stream.map((x) => norm(x, at('input_layernorm')));
    const q = normed.map((x, t) => turned(x, 'q', t));
    // The last layers may read the last layer of their kind that has keys.
    const own = weights.has(at('self_attn.k_proj.weight'));
    const kind = config['layer_types']?.[layer];
    const source = own
      ? layer
      : stored.findLastIndex((rows, i) => rows.k.length > 0 && config['layer_types'][i] === kind);
    stored[layer] = own
      ? { k: normed.map((x, t) => turned(x, 'k', t)), v: normed.map(valuesOf) }
      : { k: [], v: [] };
    const { k, v } = stored[source]!;
    const group = heads / k[0]!.length;
    stream = stream.map((x, t) => {
      // A window of W counts the query's own key.
      const first = window === undefined ? 0 : Math.max(0, t - window + 1);
      const seen = (rows: Rows[], h: number): Rows =>
        rows.slice(first, t + 1).map((row) => row[Math.floor(h / group)]!);
      const sinks = weights.get(at('self_attn.sinks'))?.values;
      const out = q[t]!.flatMap((head, h) => {
        return attend(head, seen(k, h), seen(v, h), scale, sinks?.[h]);
      });
      const projected = project(out, at('self_attn.o_proj'));
      return add(x, isGemma ? norm(projected, at('post_attention_layernorm')) : projected);
    });
    stream = stream.map((x) => {
      const rows = norm(x, at(isGemma ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'));
      if (weights.has(at('mlp.router.weight'))) return add(x, mixture(rows, at('mlp')));
      const up = project(rows, at('mlp.up_proj'));
      const hidden = project(rows, at('mlp.gate_proj')).map((g, i) => round(activate(g) * up[i]!));
      const out = project(hidden, at('mlp.down_proj'));
      return add(x, isGemma ? norm(out, at('post_feedforward_layernorm')) : out);
    });
    if (inputs) {
      stream = stream.map((x, t) => {
        const gates = project(x, at('per_layer_input_gate')).map(activate);
        const gated = gates.map((g, i) => round(g * inputs[t]![layer]![i]!));
        return add(
          x,
          norm(project(gated, at('per_layer_projection')), at('post_per_layer_input_norm')),
        );
      });
    }
    if (isGemma4) {
      const factor = vector(at('layer_scalar'))[0]!;
      stream = stream.map((x) => x.map((value) => round(value * factor)));
    }
  }
  const head = weights.has('lm_head.weight') ? matrix('lm_head.weight') : embedding;
  return stream.map((x) => {
    const last = norm(x, 'model.norm');
    const cap: number | undefined = config['final_logit_softcapping'];
    return head.map((row) => {
      const logit = dot(last, row);
      return cap ? round(cap * round(Math.tanh(round(logit / cap)))) : logit;
    });
  });

  /** The embeddings of each token for each layer. */
  function layerInputs(rows: Rows): Rows[] | undefined {
    const size: number = config['hidden_size_per_layer_input'];
    if (size === 0) return undefined;
    const table = matrix('model.embed_tokens_per_layer.weight');
    const root = rounded(Math.sqrt(size));
    const shrink = round(config['hidden_size'] ** -0.5);
    return rows.map((x, t) => {
      const all = project(x, 'model.per_layer_model_projection').map((y) => round(y * shrink));
      return Array.from({ length: all.length / size }, (_, layer) => {
        const [first, end] = [layer * size, (layer + 1) * size];
        const byRow = norm(all.slice(first, end), 'model.per_layer_projection_norm');
        const byToken = table[tokens[t]!]!.slice(first, end).map((y) => round(y * root));
        return add(byRow, byToken).map((y) => round(y * Math.fround(Math.SQRT1_2)));
      });
    });
  }
}

/** The head dim of a layer. */
function dimOf(config: Config, layer: number): number {
  const isWide = config['layer_types']?.[layer] === 'full_attention';
  if (isWide && config['global_head_dim'] !== undefined) return config['global_head_dim'];
  return config['head_dim'] ?? config['hidden_size'] / config['num_attention_heads'];
}

/** The window of a layer; undefined if it sees all keys. */
function windowOf(config: Config, layer: number): number | undefined {
  const types = config['layer_types'] as string[] | undefined;
  if (types) return types[layer] === 'sliding_attention' ? config['sliding_window'] : undefined;
  if (config['architectures'][0] === 'Gemma3ForCausalLM') {
    const isGlobal = (layer + 1) % config['sliding_window_pattern'] === 0;
    return isGlobal ? undefined : config['sliding_window'];
  }
  const slides = config['use_sliding_window'] && layer >= config['max_window_layers'];
  return slides ? config['sliding_window'] : undefined;
}

/** The angles per position of a layer, after the definitions of Hugging Face Transformers. */
function frequenciesOf(config: Config, dim: number, isSliding: boolean): number[] {
  const kinds = config['rope_parameters'] as Config | undefined;
  if (kinds) {
    const own = kinds[isSliding ? 'sliding_attention' : 'full_attention'] as Config;
    const turned = Math.floor(((own['partial_rotary_factor'] ?? 1) * dim) / 2);
    return Array.from({ length: dim / 2 }, (_, i) => {
      return i < turned ? 1 / own['rope_theta'] ** ((2 * i) / dim) : 0;
    });
  }
  const isLocal = isSliding && config['rope_local_base_freq'] !== undefined;
  const theta = isLocal ? config['rope_local_base_freq'] : config['rope_theta'];
  const inverse = Array.from({ length: dim / 2 }, (_, i) => 1 / theta ** ((2 * i) / dim));
  const scaling = config['rope_scaling'] as Config | undefined;
  if (!scaling || isLocal) return inverse;
  if (scaling['rope_type'] === 'linear') return inverse.map((f) => f / scaling['factor']);
  if (scaling['rope_type'] === 'yarn') return yarn(inverse, theta, dim, scaling);
  return llama3(inverse, scaling);
}

/** By the length of the wave. */
function llama3(inverse: number[], scaling: Config): number[] {
  const context: number = scaling['original_max_position_embeddings'];
  const longest = context / scaling['low_freq_factor'];
  const shortest = context / scaling['high_freq_factor'];
  return inverse.map((f) => {
    const wave = (2 * Math.PI) / f;
    if (wave > longest) return f / scaling['factor'];
    if (wave < shortest) return f;
    const smooth =
      (context / wave - scaling['low_freq_factor']) /
      (scaling['high_freq_factor'] - scaling['low_freq_factor']);
    return ((1 - smooth) * f) / scaling['factor'] + smooth * f;
  });
}

/** By a ramp between the pairs that turn beta_fast and beta_slow times in the original context. */
function yarn(inverse: number[], theta: number, dim: number, scaling: Config): number[] {
  const context: number = scaling['original_max_position_embeddings'];
  const pair = (turns: number): number =>
    (dim * Math.log(context / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  let [low, high] = [pair(scaling['beta_fast']), pair(scaling['beta_slow'])];
  if (scaling['truncate'] !== false) [low, high] = [Math.floor(low), Math.ceil(high)];
  [low, high] = [Math.max(low, 0), Math.min(high, dim - 1)];
  return inverse.map((f, i) => {
    const ramp = Math.min(Math.max((i - low) / (high - low), 0), 1);
    return (f / scaling['factor']) * ramp + f * (1 - ramp);
  });
}
