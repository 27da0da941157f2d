import type { Rope } from './rope-angles.ts';

/** Layers see all keys before a query, or a window of them; models with both rotate them by different angles. */
export type LayerKind = 'full' | 'sliding';

/** The sizes of mixtures of experts. */
export interface ExpertsConfig {
  readonly count: number;
  /** Experts that compute a token. */
  readonly perToken: number;
  /** Bound of the activation's operands. */
  readonly limit: number;
}

/** A decoder-only transformer with RMSNorm, rotary positions, grouped queries and gated MLPs, and its variants. */
export interface ModelConfig {
  readonly vocabSize: number;
  /** Elements of a token in the residual stream. */
  readonly hiddenSize: number;
  /** Elements of a hidden layer of an MLP, or of an expert. */
  readonly intermediateSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** The longest sequence that the model was made for. */
  readonly contextLength: number;
  readonly layers: readonly LayerKind[];
  /** Keys before its own that a query of a sliding layer sees. Hugging Face's `sliding_window` counts its own too. */
  readonly window: number | undefined;
  readonly ropes: Readonly<Record<LayerKind, Rope>>;
  readonly activation: 'silu' | 'gelu-tanh' | 'clamped-swish';
  readonly normEps: number;
  /** Added to the weights of norms: 1 in Gemma. */
  readonly normOffset: 0 | 1;
  /** Whether the projections of q, k and v, and the one of the output, have biases. */
  readonly bias: { readonly qkv: boolean; readonly out: boolean };
  /** Whether the heads of q and k are normed before they are rotated. */
  readonly qkNorm: boolean;
  /** Whether the results of attention and MLP are normed before they are added. */
  readonly sandwichNorms: boolean;
  /** Whether each head has a sink. */
  readonly sinks: boolean;
  readonly scoreScale: number;
  readonly softcap: number | undefined;
  /** Factor of the embeddings: √hiddenSize in Gemma. */
  readonly embeddingScale: number;
  /** Whether logits use the embedding in place of a matrix of their own. */
  readonly tied: boolean;
  readonly experts: ExpertsConfig | undefined;
  /** Tokens that end a text. */
  readonly endTokens: readonly number[];
}
