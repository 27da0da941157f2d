import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { fromHalf, type HalfType, type NamesOf, readOptions, toHalf } from '@heed/core/kernel';
import { type KvSequence, PagedKvCache, type PageFormat, type RotaryTables } from '@heed/kvcache';
import { type CheckpointFolder, requiredJson } from '../checkpoint/checkpoint-folder.ts';
import type { AttentionConfig, LayerKind, ModelConfig } from '../checkpoint/model-config.ts';
import { readConfig } from '../checkpoint/read-config.ts';
import { ropeAngles } from '../checkpoint/rope-angles.ts';
import { type StoredTensors, storedTensors, textTensors } from '../checkpoint/safetensors-files.ts';
import { addInto, capInto, scaleInto } from '../kernels/in-place.ts';
import { linear } from '../kernels/linear.ts';
import { embed } from '../kernels/row-kernels.ts';
import { type RowParts, rowParts } from '../kernels/row-parts.ts';
import { topLogits } from '../kernels/top-logits.ts';
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

const loadNames: NamesOf<LoadOptions> = { context: 1, numSplits: 1, onProgress: 1, partBytes: 1 };

const cacheNames: NamesOf<ModelCacheOptions> = { maxBytes: 1, pageSize: 1, dtype: 1 };

/** New tokens of a sequence, at least one. */
export interface NewTokens {
  readonly sequence: KvSequence;
  readonly tokens: readonly number[];
  /** How many of the last tokens need the logits that follow them; default 1. In the middle of a prompt it is 0. */
  readonly wanted?: number;
}

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
    const { full, sliding } = config.kinds;
    const first = rotaryTables(gpu, full, loaded.context);
    const isShared = sliding.rope === full.rope && sliding.headDim === full.headDim;
    const second = isShared ? first : rotaryTables(gpu, sliding, loaded.context);
    this.#rotary = { full: first, sliding: second };
  }

  /**
   * Loads a checkpoint as it is published: `config.json` and `model.safetensors`, in shards too.
   * @throws UnsupportedError the configuration asks for what this program does not implement; no weight has been read then
   * @throws ValidationError files are missing or malformed, or do not fit one another
   */
  static async load(
    gpu: Gpu,
    folder: CheckpointFolder,
    options?: LoadOptions,
  ): Promise<LanguageModel> {
    const { context, numSplits = 1, ...loading } = readOptions('load', options, loadNames);
    const config = readConfig(await requiredJson(folder, 'config.json'));
    const longest = context ?? Math.min(config.contextLength, DEFAULT_CONTEXT);
    if (!Number.isInteger(longest) || longest < 1 || longest > config.contextLength) {
      throw new ValidationError(
        `load: context must be a whole number from 1 to ${config.contextLength}, the model's; got ${longest}. Pass fewer tokens.`,
      );
    }
    const loader = new WeightLoader(gpu, await weightsOf(folder, config), loading);
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
  async createCache(options: ModelCacheOptions): Promise<PagedKvCache> {
    const {
      maxBytes,
      pageSize = 16,
      dtype = 'f16',
    } = readOptions('createCache', options, cacheNames);
    const { layers, kinds } = this.config;
    const groups = (['full', 'sliding'] as const).map((kind) => {
      const { kvHeads, headDim, window } = kinds[kind];
      const own = [...layers.keys()].filter(
        (i) => layers[i]!.kind === kind && layers[i]!.reads === undefined,
      );
      return { layers: own, kvHeads, headDim, dtype, ...(window !== undefined && { window }) };
    });
    const reads = layers.flatMap(({ reads: of }, i) =>
      of === undefined ? [] : [[i, of] as const],
    );
    return PagedKvCache.create(this.gpu, {
      groups: groups.filter((group) => group.layers.length > 0),
      reads: Object.fromEntries(reads),
      maxBytes,
      pageSize,
    });
  }

  /**
   * Compiles every kernel of the model, its cache and the choice of tokens, so that no request waits for a compiler. The cache must have
   * room for 34 tokens.
   */
  async warmup(cache: PagedKvCache): Promise<void> {
    await cache.warmup();
    const sequence = cache.open();
    try {
      // A single row and many rows have kernels of their own.
      for (const count of [1, 33]) {
        const tokens = new Array<number>(count).fill(0);
        this.gpu.scope(() => topLogits(this.gpu, this.forward(cache, [{ sequence, tokens }]), 1));
      }
      await this.gpu.settled();
    } finally {
      sequence.close();
    }
  }

  /**
   * Computes new tokens of a batch of sequences and appends their keys and values to the cache. The bits of a sequence do not depend on
   * the others, nor, with numSplits 1, on how its tokens are divided into steps.
   * @returns logits, f32 [R, vocabSize]: a row for each wanted token, in the order of the batch; the caller disposes them
   * @throws CapacityError the cache has too few pages; nothing has changed then
   * @throws ValidationError a token that is not in the vocabulary, or a sequence longer than the context; nothing has changed then
   */
  forward(cache: PagedKvCache, batch: readonly NewTokens[]): Tensor {
    const { gpu, config } = this;
    const step = this.#step(cache, batch);
    const ids = Int32Array.from(batch.flatMap(({ tokens }) => tokens));
    const wanted = wantedRows(batch);
    const { embedding, layers, norm, head } = this.#weights;
    return gpu.scope(() => {
      const x = embed(gpu, embedding, ids, scaleFor(embedding, config.embeddingScale));
      const inputs = this.#layerInputs(ids, x);
      for (const [i, weights] of layers.entries()) {
        const size = config.layerEmbedding?.size ?? 0;
        const input = inputs?.slice(1, i * size, (i + 1) * size);
        // One submit per layer, so that a layer's memory serves the next.
        gpu.scope(() => gpu.batch(() => decoderLayer(step, i, weights, x, input)));
      }
      const rows = embed(gpu, rowParts([x]), wanted);
      const logits = linear(gpu, normOf({ gpu, config })(rows, norm), head);
      if (config.logitCap !== undefined) capInto(gpu, logits, config.logitCap);
      return logits;
    });
  }

  /**
   * Returns the embeddings of tokens for all layers, in models that have them: one by the token, and one by its row of the residual
   * stream.
   * @returns f32 [T, layers · size]
   */
  #layerInputs(ids: Int32Array, x: Tensor): Tensor | undefined {
    const { gpu, config } = this;
    const { layerInputs } = this.#weights;
    if (!layerInputs) return undefined;
    const { size } = config.layerEmbedding!;
    const { table, projection, norm } = layerInputs;
    const byRow = linear(gpu, x, projection);
    scaleInto(gpu, byRow, config.hiddenSize ** -0.5);
    const both = normOf({ gpu, config })(
      byRow.reshape([ids.length * config.layers.length, size]),
      norm,
    );
    const inputs = both.reshape([ids.length, config.layers.length * size]);
    addInto(gpu, inputs, embed(gpu, table, ids, scaleFor(table, Math.sqrt(size))));
    scaleInto(gpu, inputs, Math.SQRT1_2);
    return inputs;
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
}

/** Returns the rows of a step whose logits are wanted. */
function wantedRows(batch: readonly NewTokens[]): Int32Array {
  let end = 0;
  const rows = batch.flatMap(({ tokens, wanted = 1 }, i) => {
    end += tokens.length;
    if (Number.isInteger(wanted) && wanted >= 0 && wanted <= tokens.length) {
      return Array.from({ length: wanted }, (_, n) => end - wanted + n);
    }
    throw new ValidationError(
      `forward: wanted must be from 0 to ${tokens.length}, the new tokens; got ${wanted} for entry ${i}. Leave it out for 1.`,
    );
  });
  return Int32Array.from(rows);
}

/** Returns a factor of embeddings as Transformers rounds it: to the type of the weights. */
function scaleFor({ parts }: RowParts, factor: number): number {
  const { dtype } = parts[0]!;
  if (dtype === 'f32') return Math.fround(factor);
  return fromHalf(toHalf(factor, dtype as HalfType), dtype as HalfType);
}

function rotaryTables(gpu: Gpu, { rope, headDim }: AttentionConfig, context: number): RotaryTables {
  const shape = [context, headDim / 2];
  const { cos, sin } = ropeAngles(rope, headDim, context);
  return { cos: gpu.tensor(cos, { shape }), sin: gpu.tensor(sin, { shape }) };
}

/** Weights of the embeddings for all layers. */
interface LayerInputsWeights {
  /** [vocabSize, layers · size] */
  readonly table: RowParts;
  /** [layers · size, hiddenSize] */
  readonly projection: RowParts;
  /** [size] */
  readonly norm: Tensor;
}

/** All weights of a model. */
interface ModelWeights {
  /** [vocabSize, hiddenSize] */
  readonly embedding: RowParts;
  readonly layerInputs: LayerInputsWeights | undefined;
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

/** Returns the stored tensors of the text model. */
async function weightsOf(
  folder: CheckpointFolder,
  { isPart }: ModelConfig,
): Promise<StoredTensors> {
  const all = await storedTensors(folder);
  return isPart ? textTensors(all) : all;
}

async function loadWeights(loader: WeightLoader, config: ModelConfig): Promise<ModelWeights> {
  const shape = [config.vocabSize, config.hiddenSize] as const;
  const embedding = await loader.matrix('model.embed_tokens.weight', shape);
  const layerInputs = await loadLayerInputs(loader, config);
  const layers: LayerWeights[] = [];
  for (const i of config.layers.keys()) layers.push(await loadLayer(loader, config, i));
  const norm = await loader.vector('model.norm.weight', config.hiddenSize);
  const head = config.tied ? embedding : await loader.matrix('lm_head.weight', shape);
  return { embedding, layerInputs, layers, norm, head };
}

async function loadLayerInputs(
  loader: WeightLoader,
  { layerEmbedding, layers, hiddenSize }: ModelConfig,
): Promise<LayerInputsWeights | undefined> {
  if (!layerEmbedding) return undefined;
  const { vocabSize, size } = layerEmbedding;
  const all = layers.length * size;
  return {
    table: await loader.matrix('model.embed_tokens_per_layer.weight', [vocabSize, all]),
    projection: await loader.matrix('model.per_layer_model_projection.weight', [all, hiddenSize]),
    norm: await loader.vector('model.per_layer_projection_norm.weight', size),
  };
}
