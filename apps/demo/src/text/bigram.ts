import { BOUNDARY } from './corpus.ts';

const TOKENS = 256;

/** Returns the probability of the byte `next` after `previous`. */
export type Bigram = (previous: number, next: number) => number;

/**
 * Fits byte bigrams with Witten–Bell smoothing: after a byte seen n times with d distinct followers, the bigram counts have
 * weight n and the unigram distribution weight d. Unigram counts start at 1. The model has no hyperparameters. A transformer must
 * beat it to show that it has learnt more than which byte follows which.
 *
 * Source: Witten and Bell, The zero-frequency problem (IEEE Trans. Inf. Theory 37, 1991); Chen and Goodman (arXiv cmp-lg/9606011).
 */
export function bigramOf(documents: readonly Uint8Array[]): Bigram {
  const pairs = new Float64Array(TOKENS * TOKENS);
  const bytes = new Float64Array(TOKENS).fill(1);
  for (const document of documents) {
    eachPair(document, (previous, next) => {
      pairs[previous * TOKENS + next]!++;
      bytes[next]!++;
    });
  }
  const all = bytes.reduce((a, b) => a + b, 0);
  const followers = Array.from({ length: TOKENS }, (_, previous) => {
    const row = pairs.subarray(previous * TOKENS, (previous + 1) * TOKENS);
    return { seen: row.reduce((a, b) => a + b, 0), distinct: row.filter((n) => n > 0).length };
  });
  return (previous, next) => {
    const { seen, distinct } = followers[previous]!;
    const unigram = bytes[next]! / all;
    // A byte that never occurred has no followers to count.
    if (seen === 0) return unigram;
    return (pairs[previous * TOKENS + next]! + distinct * unigram) / (seen + distinct);
  };
}

/** Returns the cross entropy of the documents in bits per byte, the end of each document included. */
export function bitsPerByte(bigram: Bigram, documents: readonly Uint8Array[]): number {
  let bits = 0;
  let count = 0;
  for (const document of documents) {
    eachPair(document, (previous, next) => {
      bits -= Math.log2(bigram(previous, next));
      count++;
    });
  }
  return bits / count;
}

/** Visits each byte with its predecessor; a boundary stands before the first byte and after the last. */
function eachPair(document: Uint8Array, visit: (previous: number, next: number) => void): void {
  let previous = BOUNDARY;
  for (const next of document) {
    visit(previous, next);
    previous = next;
  }
  visit(previous, BOUNDARY);
}
