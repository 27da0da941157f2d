/** What somebody asks for: so many tokens after a prompt, once or in several branches. */
export interface Request {
  readonly id: string;
  /** Token ids; at least one. */
  readonly prompt: readonly number[];
  /** Tokens to generate. */
  readonly count: number;
  /** The token that ends an answer before. */
  readonly end?: number;
  /** Branches: the i-th starts with the i-th likeliest token, and goes on greedily. 1 is plain greedy decoding. */
  readonly branches: number;
}

/** One answer of a request as it grows. */
export interface Answer {
  readonly request: string;
  readonly branch: number;
  readonly tokens: readonly number[];
  readonly isDone: boolean;
}
