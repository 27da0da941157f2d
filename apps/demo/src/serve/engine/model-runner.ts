import type { Gpu, Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { type KvSequence, type PagedKvCache, type RotaryTables, rotate } from '@heed/kvcache';
import { heedTensor } from '@heed/tfjs';
import { keep, type Tensor as TfTensor, tensor1d, tidy, zeros } from '@tensorflow/tfjs-core';
import type { Model } from '../../transformer/language-model.ts';
import type { ModelConfig } from '../../transformer/model-config.ts';
import { rotaryAngles } from '../../transformer/rotary-angles.ts';
import {
  attentionInputs,
  attentionOutput,
  disposeWeights,
  embed,
  logits,
  mlp,
  tensorsOf,
  type Weights,
} from '../../transformer/transformer-layers.ts';

/**
 * A model that computes the next tokens of a packed batch. TensorFlow.js computes projections and MLPs, the cache stores keys and
 * values, heed computes attention, all on one device and without copies between them.
 *
 * Every step has the same number of rows, padded with unused rows, because TensorFlow.js chooses its kernels by size and different
 * kernels round differently. With `numSplits: 1` a row's bits then depend only on its own sequence.
 */
export class Runner implements Disposable {
  readonly config: ModelConfig;
  readonly rows: number;
  readonly #gpu: Gpu;
  readonly #weights: Weights;
  readonly #rotary: RotaryTables;
  /** The output of attention, which heed writes and TensorFlow.js reads in each layer. */
  readonly #attended: TfTensor;
  readonly #out: Tensor;

  /**
   * Uploads a model to the device; call `useTfjs(gpu)` before.
   * @param rows the most tokens that a step computes
   */
  constructor(gpu: Gpu, { config, weights }: Model, rows: number) {
    this.config = config;
    this.rows = rows;
    this.#gpu = gpu;
    this.#weights = tensorsOf({ config, weights });
    // Upload all weights now: TensorFlow.js may compute on the CPU, with other roundings, while a tensor is not on the GPU.
    for (const weight of Object.values(this.#weights)) heedTensor(weight);
    this.#rotary = rotaryTables(gpu, config);
    this.#attended = keep(zeros([rows, config.heads, config.headDim]));
    this.#out = heedTensor(this.#attended);
  }

  /**
   * Computes new tokens of sequences and appends their keys and values to the cache.
   * @param news at least one token per sequence, at most `rows` in all
   * @returns logits, f32 [rows, vocabSize]; rows beyond the new tokens are unspecified
   * @throws CapacityError if the cache has too few pages; nothing has changed then
   */
  forward(
    cache: PagedKvCache,
    sequences: readonly KvSequence[],
    news: readonly (readonly number[])[],
  ): TfTensor {
    const ids = padded(news.flat(), this.rows);
    const positions = news.flatMap((tokens, i) => tokens.map((_, n) => sequences[i]!.length + n));
    const step = { cache, sequences, news, positions: padded(positions, this.rows) };
    const { config } = this;
    const weights = this.#weights;
    return tidy(() => {
      let x = embed(weights, tensor1d(ids, 'int32'));
      for (let layer = 0; layer < config.layers; layer++) {
        this.#attend(step, layer, attentionInputs(config, weights, layer, x));
        x = attentionOutput(config, weights, layer, x, this.#attended);
        x = mlp(config, weights, layer, x);
      }
      return logits(config, weights, x);
    });
  }

  #attend(
    { cache, sequences, news, positions }: Step,
    layer: number,
    inputs: Readonly<Record<'q' | 'k' | 'v', TfTensor>>,
  ): void {
    const [q, k, v] = [heedTensor(inputs.q), heedTensor(inputs.k), heedTensor(inputs.v)];
    const cuSeqlens = cumulative(news.map(({ length }) => length));
    const count = cuSeqlens.at(-1)!;
    const rotary = this.#rotary;
    this.#gpu.batch(() => {
      const [keys, values] = [k.slice(0, 0, count), v.slice(0, 0, count)];
      cache.append(layer, sequences, keys, values, { cuSeqlens, rotary });
      using turned = rotate(this.#gpu, q, { ...rotary, positions });
      const view = cache.view(layer, sequences);
      const { cuSeqlensQ } = view;
      varlenAttention(turned, view, { cuSeqlensQ, causal: true, numSplits: 1, out: this.#out });
    });
  }

  [Symbol.dispose](): void {
    this.#rotary.cos.dispose();
    this.#rotary.sin.dispose();
    this.#attended.dispose();
    disposeWeights(this.#weights);
  }
}

interface Step {
  readonly cache: PagedKvCache;
  readonly sequences: readonly KvSequence[];
  readonly news: readonly (readonly number[])[];
  readonly positions: Int32Array;
}

function rotaryTables(gpu: Gpu, config: ModelConfig): RotaryTables {
  const shape = [config.context, config.headDim / 2];
  const { cos, sin } = rotaryAngles(config);
  return { cos: gpu.tensor(cos, { shape }), sin: gpu.tensor(sin, { shape }) };
}

const padded = (numbers: readonly number[], rows: number): Int32Array => {
  const all = new Int32Array(rows);
  all.set(numbers);
  return all;
};

/** Returns the cumulative sum of lengths, starting with 0. */
function cumulative(lengths: readonly number[]): Int32Array {
  let end = 0;
  return Int32Array.of(0, ...lengths.map((length) => (end += length)));
}
