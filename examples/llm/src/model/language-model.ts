import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { fromHalf, type HalfType, toHalf } from '@heed/core/kernel';
import { type KvSequence, PagedKvCache, type PageFormat, type RotaryTables } from '@heed/kvcache';
import { type CheckpointFolder, requiredJson } from '../checkpoint/checkpoint-folder.ts';
import type { LayerKind, ModelConfig } from '../checkpoint/model-config.ts';
import { readConfig } from '../checkpoint/read-config.ts';
import { type Rope, ropeAngles } from '../checkpoint/rope-angles.ts';
import { storedTensors } from '../checkpoint/safetensors-files.ts';
import { linear } from '../kernels/linear.ts';
import { embed } from '../kernels/row-kernels.ts';
import { type RowParts, rowParts } from '../kernels/row-parts.ts';
import { decoderLayer, normOf, type Step } from './decoder-layer.ts';
import { type LayerWeights, loadLayer } from './layer-weights.ts';
import { type LoaderOptions, WeightLoader } from './weight-loader.ts';

/** How a model is loaded. */
export interface LoadOptions extends LoaderOptions {
  /** Tokens of the longest sequence; default: the model's own, at most 8,192. Tables of angles have a row for each. */
  readonly context?: number;
  /** Parts into which attention splits the keys; default 1. With 1, a prompt in pieces has the bits of the whole prompt. */
  readonly numSplits?: number;
}

/** The size and format of a model's cache. */
export interface ModelCacheOptions {
  /** Most bytes of keys and values. */
  readonly maxBytes: number;
  /** Tokens in a page; default 16. */
  readonly pageSize?: number;
  /** Default 'f16'. */
  readonly dtype?: PageFormat;
}

/** New tokens of a sequence, at least one. */
export interface NewTokens {
  readonly sequence: KvSequence;
  readonly tokens: readonly number[];
}

/** The rows of a step whose logits are wanted: the last token of each sequence, all, or none, as in the middle of a prompt. */
type Wanted = 'last' | 'all' | 'none';

const DEFAULT_CONTEXT = 8192;

/** A model on the device: its configuration, weights and tables of angles. */
export class LanguageModel implements Disposable {
  readonly gpu: Gpu;
  readonly config: ModelConfig;
  /** Tokens of the longest sequence. */
  readonly context: number;
  readonly #loader: WeightLoader;
  readonly #weights: ModelWeights;
  readonly #rotary: Readonly<Record<LayerKind, RotaryTables>>;
  readonly #numSplits: number;

  private constructor(gpu: Gpu, config: ModelConfig, loaded: Loaded) {
    this.gpu = gpu;
    this.config = config;
    this.context = loaded.context;
    this.#loader = loaded.loader;
    this.#weights = loaded.weights;
    this.#numSplits = loaded.numSplits;
    const tables = (rope: Rope): RotaryTables => {
      const shape = [loaded.context, config.headDim / 2];
      const { cos, sin } = ropeAngles(rope, config.headDim, loaded.context);
      return { cos: gpu.tensor(cos, { shape }), sin: gpu.tensor(sin, { shape }) };
    };
    const { full, sliding } = config.ropes;
    const first = tables(full);
    this.#rotary = { full: first, sliding: sliding === full ? first : tables(sliding) };
  }

  /**
   * Loads a checkpoint as it is published: `config.json` and `model.safetensors`, in shards too.
   * @throws UnsupportedError the configuration asks for what this program does not implement; no weight has been read then
   * @throws ValidationError files are missing or malformed, or do not fit one another
   */
  static async load(
    gpu: Gpu,
    folder: CheckpointFolder,
    { context, numSplits = 1, ...loading }: LoadOptions = {},
  ): Promise<LanguageModel> {
    const config = readConfig(await requiredJson(folder, 'config.json'));
    const longest = context ?? Math.min(config.contextLength, DEFAULT_CONTEXT);
    if (!Number.isInteger(longest) || longest < 1 || longest > config.contextLength) {
      throw new ValidationError(
        `load: context must be a whole number from 1 to ${config.contextLength}, the model's; got ${longest}. Pass fewer tokens.`,
      );
    }
    const loader = new WeightLoader(gpu, await storedTensors(folder), loading);
    try {
      const weights = await loadWeights(loader, config);
      await loader.finish();
      return new LanguageModel(gpu, config, { loader, weights, context: longest, numSplits });
    } catch (error) {
      loader.dispose();
      throw error;
    }
  }

  /** Creates a cache for this model's layers: windowed layers give back the pages that no query sees any more. */
  createCache(options: ModelCacheOptions): Promise<PagedKvCache> {
    const { layers, kvHeads, headDim, window } = this.config;
    const groups = (['full', 'sliding'] as const).map((kind) => ({
      layers: [...layers.keys()].filter((layer) => layers[layer] === kind),
      kvHeads,
      headDim,
      dtype: options.dtype ?? 'f16',
      ...(kind === 'sliding' && { window: window! }),
    }));
    const { maxBytes, pageSize = 16 } = options;
    const own = groups.filter((group) => group.layers.length > 0);
    return PagedKvCache.create(this.gpu, { groups: own, maxBytes, pageSize });
  }

  /**
   * Computes new tokens of a batch of sequences and appends their keys and values to the cache. The bits of a sequence do not depend on
   * the others, nor, with numSplits 1, on how its tokens are divided into steps.
   * @returns logits, f32 [N, vocabSize] for the last token of each sequence, [T, vocabSize] for all, or
   *   [0, vocabSize] for none; the caller disposes them
   * @throws CapacityError the cache has too few pages; nothing has changed then
   * @throws ValidationError a token that is not in the vocabulary, or a sequence longer than the context; nothing has changed then
   */
  forward(cache: PagedKvCache, batch: readonly NewTokens[], wanted: Wanted = 'last'): Tensor {
    const { gpu, config } = this;
    const step = this.#step(cache, batch);
    const ids = Int32Array.from(batch.flatMap(({ tokens }) => tokens));
    const { embedding, layers, norm, head } = this.#weights;
    return gpu.scope(() => {
      const x = embed(gpu, embedding, ids, this.#embeddingScale());
      for (const [i, weights] of layers.entries()) {
        // One submit per layer, so that a layer's memory serves the next.
        gpu.scope(() => gpu.batch(() => decoderLayer(step, i, weights, x)));
      }
      const ends = step.cuSeqlens.slice(1).map((end) => end - 1);
      const some = wanted === 'last' ? ends : new Int32Array();
      const rows = wanted === 'all' ? x : embed(gpu, rowParts([x]), some);
      return linear(gpu, normOf({ gpu, config })(rows, norm), head);
    });
  }

  [Symbol.dispose](): void {
    this.#loader.dispose();
    for (const { cos, sin } of new Set(Object.values(this.#rotary))) {
      cos.dispose();
      sin.dispose();
    }
  }

  #step(cache: PagedKvCache, batch: readonly NewTokens[]): Step {
    let end = 0;
    const ends = batch.map(({ tokens }, i) => {
      if (tokens.length > 0) return (end += tokens.length);
      throw new ValidationError(
        `forward: each sequence must have a token or more; got none for entry ${i}. Leave it out.`,
      );
    });
    const positions = batch.flatMap(({ sequence, tokens }) =>
      tokens.map((_, i) => sequence.length + i),
    );
    return {
      gpu: this.gpu,
      config: this.config,
      cache,
      sequences: batch.map(({ sequence }) => sequence),
      cuSeqlens: Int32Array.of(0, ...ends),
      positions: Int32Array.from(positions),
      rotary: this.#rotary,
      numSplits: this.#numSplits,
    };
  }

  /** Transformers rounds the factor to the type of the weights. */
  #embeddingScale(): number {
    const [part] = this.#weights.embedding.parts;
    const scale = this.config.embeddingScale;
    return part!.dtype === 'f32' ? Math.fround(scale) : roundedTo(part!.dtype as HalfType, scale);
  }
}

const roundedTo = (type: HalfType, value: number): number => fromHalf(toHalf(value, type), type);

/** All weights of a model. */
interface ModelWeights {
  /** [vocabSize, hiddenSize] */
  readonly embedding: RowParts;
  readonly layers: readonly LayerWeights[];
  /** [hiddenSize] */
  readonly norm: Tensor;
  /** [vocabSize, hiddenSize]; the embedding where the two are tied. */
  readonly head: RowParts;
}

interface Loaded {
  readonly loader: WeightLoader;
  readonly weights: ModelWeights;
  readonly context: number;
  readonly numSplits: number;
}

async function loadWeights(loader: WeightLoader, config: ModelConfig): Promise<ModelWeights> {
  const shape = [config.vocabSize, config.hiddenSize] as const;
  const embedding = await loader.matrix('model.embed_tokens.weight', shape);
  const layers: LayerWeights[] = [];
  for (const i of config.layers.keys()) layers.push(await loadLayer(loader, config, i));
  const norm = await loader.vector('model.norm.weight', config.hiddenSize);
  const head = config.tied ? embedding : await loader.matrix('lm_head.weight', shape);
  return { embedding, layers, norm, head };
}
