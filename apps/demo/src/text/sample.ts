import { BOUNDARY } from './bytes.ts';

/** A document, or a part of one, to train on: token i is to be followed by token i + 1. */
export interface Sample {
  /** [n + 1], with the boundary before the document's start and after its end. */
  readonly tokens: Uint8Array;
}

/** How many tokens it takes in a row: all but the last are seen, all but the first are told. */
export const lengthOf = ({ tokens }: Sample): number => tokens.length - 1;

/** A document as samples of at most `context` tokens; one that is longer is cut, and each token is told once. */
export function samplesOf(document: Uint8Array, context: number): Sample[] {
  const tokens = Uint8Array.of(BOUNDARY, ...document, BOUNDARY);
  const count = Math.ceil((tokens.length - 1) / context);
  return Array.from({ length: count }, (_, i) => ({
    tokens: tokens.subarray(i * context, (i + 1) * context + 1),
  }));
}
