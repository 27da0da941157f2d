/** A model whose pages could be sent to a user's own device. */
export interface ServedModel {
  readonly name: string;
  /** Weights, and the sizes of its attention. */
  readonly weights: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Published sizes: config.json of each model on Hugging Face. */
export const models: readonly ServedModel[] = [
  { name: 'Qwen2.5-0.5B', weights: 0.494e9, layers: 24, heads: 14, kvHeads: 2, headDim: 64 },
  { name: 'Qwen3-0.6B', weights: 0.596e9, layers: 28, heads: 16, kvHeads: 8, headDim: 128 },
  { name: 'Llama-3.2-1B', weights: 1.236e9, layers: 16, heads: 32, kvHeads: 8, headDim: 64 },
  { name: 'Llama-3.2-3B', weights: 3.213e9, layers: 28, heads: 24, kvHeads: 8, headDim: 128 },
];

/** What sending the pages of a prompt takes, beside computing them. */
export interface Delivery {
  readonly model: string;
  /** Bytes of the prompt's pages in int8. */
  readonly bytes: number;
  /** FLOP of the prompt. */
  readonly work: number;
  /** The line in bit/s above which sending is quicker than computing at a given speed in FLOP/s. */
  readonly breakEven: (flops: number) => number;
}

/** Bytes of a token's keys and values in int8 pages: a scale in f32 for each head, then a byte an element. */
export const int8BytesPerToken = ({ layers, kvHeads, headDim }: ServedModel): number =>
  2 * layers * kvHeads * (4 + headDim);

/** @param tokens of the prompt whose pages are sent */
export function delivery(model: ServedModel, tokens: number): Delivery {
  const { name, weights, layers, heads, headDim } = model;
  const bytes = tokens * int8BytesPerToken(model);
  // Causal attention: each token sees half of the prompt, in two products.
  const attention = 2 * layers * heads * headDim * tokens * tokens;
  const work = 2 * weights * tokens + attention;
  return { model: name, bytes, work, breakEven: (flops) => (8 * bytes * flops) / work };
}
