/** A score or mask function on top of a case, by name: each program has its own text of it. */
export type Mod =
  | { readonly kind: 'relativeBias'; readonly maxDistance: number }
  | { readonly kind: 'slidingWindow'; readonly window: number };

/** What is promised of heed in a case. */
export interface Promised {
  /** At least this share of the other program's speed. */
  readonly ofPeer?: number;
  /** At least this share of the card's copy limit. */
  readonly ofCopy?: number;
}

/**
 * A dense f16 problem, [batch, heads, length, headDim], that two programs on one card compute. It crosses the line to the
 * other process as it is, so it is plain data.
 */
export interface BoxCase {
  readonly id: string;
  readonly title: string;
  readonly pass: 'forward' | 'backward';
  readonly batch: number;
  readonly headsQ: number;
  readonly headsKv: number;
  readonly seqlenQ: number;
  readonly seqlenK: number;
  readonly headDim: number;
  readonly causal: boolean;
  readonly mod?: Mod;
  readonly promise?: Promised;
}
