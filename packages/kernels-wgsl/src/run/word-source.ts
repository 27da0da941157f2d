import type { Tensor } from '@heed/core';
import type { Target } from './target.ts';

/** Words that a kernel of its owner writes, in the same batch, before they are read. */
export interface DerivedWords {
  readonly count: number;
  /** Dispatches what writes them, from word `first` of `words` on. */
  readonly write: (target: Target, words: Tensor, first: number) => void;
}

/** A list from the host, a tensor (rank ≤ 4, any dtype and strides), or what is computed from such. */
export type WordSource = Int32Array | Tensor | DerivedWords;

/** Where a source lies behind its binding: in elements of its dtype (two halves to a word), else in words. */
export interface TablePlace {
  readonly offset: number;
  readonly strides: readonly number[];
}

export function isDerived(source: WordSource): source is DerivedWords {
  return 'write' in source;
}
