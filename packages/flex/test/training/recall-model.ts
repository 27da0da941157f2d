import type { Rng } from '@heed/testing';
import type { Attention, Shape, Triple } from './attention-layer.ts';
import {
  adam,
  addTo,
  crossEntropy,
  linear,
  linearBackward,
  type Parameter,
  parameter,
} from './linear-layer.ts';

/** Associative recall: pairs of a key and a value, then a key once more; the answer is its value. */
const KEYS = 8;
const VALUES = 8;
const VOCABULARY: number = KEYS + VALUES;
const PAIRS = 4;
/** Tokens of a sequence. */
const LENGTH: number = 2 * PAIRS + 1;

interface Batch {
  /** [batch, LENGTH], flat. */
  readonly tokens: Int32Array;
  /** [batch] */
  readonly answers: Int32Array;
}

/** Random sequences; there are far more of them than training sees. */
export function recallBatch(rng: Rng, batch: number): Batch {
  const tokens = new Int32Array(batch * LENGTH);
  const answers = new Int32Array(batch);
  for (let b = 0; b < batch; b++) {
    const keys = rng.permutation(KEYS).slice(0, PAIRS);
    keys.forEach((key, i) => {
      tokens[b * LENGTH + 2 * i] = key;
      tokens[b * LENGTH + 2 * i + 1] = KEYS + rng.int(0, VALUES - 1);
    });
    const asked = rng.int(0, PAIRS - 1);
    tokens[b * LENGTH + 2 * PAIRS] = keys[asked]!;
    answers[b] = tokens[b * LENGTH + 2 * asked + 1]!;
  }
  return { tokens, answers };
}

const WIDTH = 32;
const HEADS = 2;

interface Layer {
  /** q, k, v and what mixes the heads, [WIDTH, WIDTH] each. */
  readonly projections: readonly [Parameter, Parameter, Parameter];
  readonly mix: Parameter;
  /** By distance, [HEADS, LENGTH]. */
  readonly bias: Parameter;
}

/** Embeddings, two layers x + mix(attention(x)), and logits of the last position; positions are known by the biases alone. */
export class Model {
  readonly #embedding: Parameter;
  readonly #layers: readonly Layer[];
  readonly #unembedding: Parameter;
  #steps = 0;

  constructor(rng: Rng) {
    const square = (): Parameter => parameter(rng, WIDTH * WIDTH, WIDTH ** -0.5);
    this.#embedding = parameter(rng, VOCABULARY * WIDTH, 1);
    this.#layers = [0, 1].map(() => ({
      projections: [square(), square(), square()],
      mix: square(),
      bias: parameter(rng, HEADS * LENGTH, 0.5),
    }));
    this.#unembedding = parameter(rng, WIDTH * VOCABULARY, WIDTH ** -0.5);
  }

  /** One step of training; the loss before it. */
  async train(batch: Batch, attention: Attention, rate: number): Promise<number> {
    const { loss, backward } = await this.#run(batch, attention);
    await backward();
    const all = this.#layers.flatMap(({ projections, mix, bias }) => [...projections, mix, bias]);
    adam([this.#embedding, ...all, this.#unembedding], ++this.#steps, rate);
    return loss;
  }

  /** How many answers are right. */
  async score(batch: Batch, attention: Attention): Promise<number> {
    return (await this.#run(batch, attention)).right;
  }

  async #run({ tokens, answers }: Batch, attention: Attention): Promise<Run> {
    const batch = answers.length;
    const shape = { batch, length: LENGTH, heads: HEADS, headDim: WIDTH / HEADS };
    const x = new Float64Array(tokens.length * WIDTH);
    const wordOf = (i: number): number => tokens[i]! * WIDTH;
    tokens.forEach((_, i) => {
      x.set(this.#embedding.value.subarray(wordOf(i), wordOf(i) + WIDTH), i * WIDTH);
    });
    const layers: LayerBackward[] = [];
    for (const layer of this.#layers) layers.unshift(await runLayer(layer, x, attention, shape));
    const lastOf = (i: number): number => ((i + 1) * LENGTH - 1) * WIDTH;
    const last = new Float64Array(batch * WIDTH);
    answers.forEach((_, i) => last.set(x.subarray(lastOf(i), lastOf(i) + WIDTH), i * WIDTH));
    const logits = linear(last, this.#unembedding.value, WIDTH);
    const { loss, right, dLogits } = crossEntropy(logits, answers);
    const backward = async (): Promise<void> => {
      const dLast = linearBackward(dLogits, last, this.#unembedding, WIDTH);
      const dx = new Float64Array(x.length);
      answers.forEach((_, i) => dx.set(dLast.subarray(i * WIDTH, (i + 1) * WIDTH), lastOf(i)));
      for (const layerBackward of layers) await layerBackward(dx);
      tokens.forEach((_, i) => {
        const gradient = this.#embedding.gradient.subarray(wordOf(i), wordOf(i) + WIDTH);
        addTo(gradient, dx.subarray(i * WIDTH, (i + 1) * WIDTH));
      });
    };
    return { loss, right, backward };
  }
}

interface Run {
  readonly loss: number;
  readonly right: number;
  readonly backward: () => Promise<void>;
}

/** Adds to the gradient by the layer's result what makes it that by its input. */
type LayerBackward = (dx: Float64Array) => Promise<void>;

/** x += mix(attention(x)), in place. */
async function runLayer(
  { projections, mix, bias }: Layer,
  x: Float64Array,
  attention: Attention,
  shape: Shape,
): Promise<LayerBackward> {
  const input = x.slice();
  const qkv = projections.map(({ value }) => linear(input, value, WIDTH)) as unknown as Triple;
  const attended = await attention(qkv, bias.value, shape);
  addTo(x, linear(attended.out, mix.value, WIDTH));
  return async (dx) => {
    const dOut = linearBackward(dx, attended.out, mix, WIDTH);
    const { inputs, bias: dBias } = await attended.backward(dOut);
    addTo(bias.gradient, dBias);
    inputs.forEach((d, i) => addTo(dx, linearBackward(d, input, projections[i]!, WIDTH)));
  };
}
