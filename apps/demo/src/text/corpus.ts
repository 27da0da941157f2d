import { encodeText } from './bytes.ts';
import { splitDocuments } from './documents.ts';

/** Documents as bytes, without boundaries. */
export interface Corpus {
  readonly train: readonly Uint8Array[];
  /** What training never sees. */
  readonly heldOut: readonly Uint8Array[];
}

const EVERY = 10;
const LEAST_BYTES = 2000;

/**
 * A text for training, with a tenth held out: every tenth document, or, where there are fewer than ten, the last tenth of each.
 * @throws Error there is too little text
 */
export function corpusOf(text: string): Corpus {
  const documents = splitDocuments(text).map(encodeText);
  const bytes = byteCount(documents);
  if (bytes < LEAST_BYTES) {
    throw new Error(`This text has ${bytes} bytes; training wants ${LEAST_BYTES} or more.`);
  }
  if (documents.length >= EVERY) {
    const isHeldOut = (i: number): boolean => i % EVERY === EVERY - 1;
    return {
      train: documents.filter((_, i) => !isHeldOut(i)),
      heldOut: documents.filter((_, i) => isHeldOut(i)),
    };
  }
  const cut = (document: Uint8Array): number => Math.ceil((document.length * (EVERY - 1)) / EVERY);
  return {
    train: documents.map((document) => document.subarray(0, cut(document))),
    heldOut: documents.map((document) => document.subarray(cut(document))),
  };
}

export const byteCount = (documents: readonly Uint8Array[]): number =>
  documents.reduce((sum, { length }) => sum + length, 0);
