import type { Rope } from './rope-angles.ts';

/** Layers see all keys before a query, or a window of them. */
export type LayerKind = 'full' | 'sliding';

/** What the layers of a kind have in common. */
export interface AttentionConfig {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rope: Rope;
  /** Keys before its own that a query sees; undefined: all. Hugging Face's `sliding_window` counts its own too. */
  readonly window: number | undefined;
  /** Whether values are the projected keys, before these are normed and rotated. */
  readonly keysAsValues: boolean;
}

export interface LayerConfig {
  readonly kind: LayerKind;
  /** The layer whose keys and values this one reads in place of its own. */
  readonly reads: number | undefined;
  /** Elements of the hidden layer of its MLP, or of an expert. */
  readonly intermediateSize: number;
}

/** The sizes of mixtures of experts. */
export interface ExpertsConfig {
  readonly count: number;
  /** Experts that compute a token. */
  readonly perToken: number;
  /** Bound of the activation's operands. */
  readonly limit: number;
}

/** The sizes of per-layer embeddings: each layer adds a vector of its own for each token. */
interface LayerEmbeddingConfig {
  readonly vocabSize: number;
  readonly size: number;
}

/** A decoder-only transformer with RMSNorm, rotary positions, grouped queries and gated MLPs, and its variants. */
export interface ModelConfig {
  readonly vocabSize: number;
  /** Elements of a token in the residual stream. */
  readonly hiddenSize: number;
  readonly heads: number;
  /** The longest sequence that the model was made for. */
  readonly contextLength: number;
  readonly layers: readonly LayerConfig[];
  readonly kinds: Readonly<Record<LayerKind, AttentionConfig>>;
  readonly activation: 'silu' | 'gelu-tanh' | 'clamped-swish';
  readonly normEps: number;
  /** Added to the weights of norms: 1 in Gemma 3. */
  readonly normOffset: 0 | 1;
  /** Whether the projections of q, k and v, and the one of the output, have biases. */
  readonly bias: { readonly qkv: boolean; readonly out: boolean };
  /** Whether the heads of q and k are normed before they are rotated. */
  readonly qkNorm: boolean;
  /** Whether the heads of v are normed, without weights. */
  readonly vNorm: boolean;
  /** Whether the results of attention and MLP are normed before they are added. */
  readonly sandwichNorms: boolean;
  /** Whether each head has a sink. */
  readonly sinks: boolean;
  readonly scoreScale: number;
  readonly softcap: number | undefined;
  /** Bound of the logits, by tanh. */
  readonly logitCap: number | undefined;
  /** Factor of the embeddings: √hiddenSize in Gemma. */
  readonly embeddingScale: number;
  /** Whether each layer has a factor of its result. */
  readonly layerScale: boolean;
  /** Whether logits use the embedding in place of a matrix of their own. */
  readonly tied: boolean;
  readonly experts: ExpertsConfig | undefined;
  readonly layerEmbedding: LayerEmbeddingConfig | undefined;
  /** Whether the checkpoint also has parts for images and sound, whose weights are left out. */
  readonly isPart: boolean;
  /** Tokens that end a text. */
  readonly endTokens: readonly number[];
}
