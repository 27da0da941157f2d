import type { Gpu, Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { type KvSequence, type PagedKvCache, rotate, type RotaryTables } from '@heed/kvcache';
import type { LayerKind, ModelConfig } from '../checkpoint/model-config.ts';
import { addInto, scaleInto } from '../kernels/in-place.ts';
import { expertLinear, linear } from '../kernels/linear.ts';
import { mixExperts } from '../kernels/mix-experts.ts';
import { embed, gatedMlp, rmsNorm } from '../kernels/row-kernels.ts';
import { topLogits } from '../kernels/top-logits.ts';
import type {
  AttentionWeights,
  ExpertsWeights,
  KeyWeights,
  LayerWeights,
  MlpWeights,
  Projection,
} from './layer-weights.ts';

/** What all layers of a step share. */
export interface Step {
  readonly gpu: Gpu;
  readonly config: ModelConfig;
  readonly cache: PagedKvCache;
  readonly sequences: readonly KvSequence[];
  /** [N + 1]: 0, then the end of the new tokens of each sequence. */
  readonly cuSeqlens: Int32Array;
  /** [T]: the positions of the new tokens in their sequences. */
  readonly positions: Int32Array;
  readonly rotary: Readonly<Record<LayerKind, RotaryTables>>;
  /** Parts into which attention splits the keys. A fixed number keeps the bits of a sequence apart from its batch. */
  readonly numSplits: number;
}

/**
 * Adds a layer's attention and MLP to the residual stream, in place, and appends the keys and values of the new tokens to the cache.
 * @param x f32 [T, hiddenSize]
 * @param input f32 [T, size]: the layer's own embeddings of the tokens, in models that have them
 */
export function decoderLayer(
  step: Step,
  layer: number,
  weights: LayerWeights,
  x: Tensor,
  input: Tensor | undefined,
): void {
  const { gpu, config } = step;
  const norm = normOf(step);
  const attended = attention(step, layer, weights.attention, norm(x, weights.beforeAttention));
  addInto(gpu, x, weights.afterAttention ? norm(attended, weights.afterAttention) : attended);
  const hidden = mlp(step, layer, weights.mlp, norm(x, weights.beforeMlp));
  addInto(gpu, x, weights.afterMlp ? norm(hidden, weights.afterMlp) : hidden);
  if (weights.input && input) {
    const gated = gatedMlp(gpu, project(gpu, x, weights.input.gate), input, config.activation);
    addInto(gpu, x, norm(project(gpu, gated, weights.input.projection), weights.input.norm));
  }
  if (weights.scale !== undefined) scaleInto(gpu, x, weights.scale);
}

/** Returns the norm of a model. */
export function normOf({
  gpu,
  config: { normEps, normOffset },
}: Pick<Step, 'gpu' | 'config'>): (x: Tensor, weight: Tensor) => Tensor {
  return (x, weight) => rmsNorm(gpu, x, weight, { eps: normEps, offset: normOffset });
}

/** Returns x·Wᵀ + bias. */
function project(gpu: Gpu, x: Tensor, { weight, bias }: Projection): Tensor {
  const out = linear(gpu, x, weight);
  if (bias) addInto(gpu, out, bias);
  return out;
}

function attention(step: Step, layer: number, weights: AttentionWeights, x: Tensor): Tensor {
  const { gpu, config, cache, sequences, positions, numSplits } = step;
  const { heads, scoreScale, softcap } = config;
  const { kind } = config.layers[layer]!;
  const { headDim, window } = config.kinds[kind];
  const q = headsOf(step, project(gpu, x, weights.q), heads, headDim, weights.qNorm);
  if (weights.keys) appendKeys(step, layer, weights.keys, x);
  const { out } = varlenAttention(
    rotate(gpu, q, { ...step.rotary[kind], positions }),
    cache.view(layer, sequences),
    {
      causal: true,
      scale: scoreScale,
      numSplits,
      ...(window !== undefined && { window: [window, 0] }),
      ...(softcap !== undefined && { softcap }),
      ...(weights.sinks && { sinks: weights.sinks }),
    },
  );
  return project(gpu, out.reshape([x.shape[0]!, heads * headDim]), weights.o);
}

function appendKeys(step: Step, layer: number, weights: KeyWeights, x: Tensor): void {
  const { gpu, config, cache, sequences, cuSeqlens } = step;
  const { kind } = config.layers[layer]!;
  const { kvHeads, headDim } = config.kinds[kind];
  const keys = project(gpu, x, weights.k);
  const values = weights.v ? project(gpu, x, weights.v) : keys;
  const k = headsOf(step, keys, kvHeads, headDim, weights.kNorm);
  const v = headsOf(step, values, kvHeads, headDim, weights.vNorm);
  cache.append(layer, sequences, k, v, { cuSeqlens, rotary: step.rotary[kind] });
}

/** Returns rows as heads [T, count, headDim], each normed if there is a norm. */
function headsOf(
  step: Step,
  rows: Tensor,
  count: number,
  headDim: number,
  norm: Tensor | undefined,
): Tensor {
  const tokens = rows.shape[0]!;
  const perHead = rows.reshape([tokens * count, headDim]);
  return (norm ? normOf(step)(perHead, norm) : perHead).reshape([tokens, count, headDim]);
}

function mlp(step: Step, layer: number, weights: MlpWeights | ExpertsWeights, x: Tensor): Tensor {
  if ('router' in weights) return experts(step, layer, weights, x);
  const { gpu, config } = step;
  const [gates, ups] = [project(gpu, x, weights.gate), project(gpu, x, weights.up)];
  return project(gpu, gatedMlp(gpu, gates, ups, config.activation), weights.down);
}

/** The router's largest logits choose the experts of a token, whose results are added by the softmax of these logits. */
function experts({ gpu, config }: Step, layer: number, weights: ExpertsWeights, x: Tensor): Tensor {
  const { count, perToken, limit } = config.experts!;
  const { ids: chosen, logits } = topLogits(gpu, project(gpu, x, weights.router), perToken);
  const of = { count, chosen };
  const both = expertLinear(gpu, x, weights.gateUp, of);
  addInto(gpu, both, embed(gpu, weights.gateUpBias, chosen));
  const inner = config.layers[layer]!.intermediateSize;
  const [gates, ups] = [both.slice(1, 0, inner), both.slice(1, inner, 2 * inner)];
  const hidden = gatedMlp(gpu, gates, ups, config.activation, limit);
  const results = expertLinear(gpu, hidden, weights.down, of);
  addInto(gpu, results, embed(gpu, weights.downBias, chosen));
  return mixExperts(gpu, results, logits);
}
