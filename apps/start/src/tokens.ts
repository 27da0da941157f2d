import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import type { Document } from './documents.ts';

/** A document as token ids. */
export interface TokenizedDocument {
  readonly path: string;
  readonly tokens: Int32Array;
}

/** The byte-pair vocabulary in use: OpenAI's o200k_base, which the package carries. */
export const tokenizerName = 'o200k_base';

/** Token ids of a document. Text that looks like a control token is text: a document may well be about tokenizers. */
export function tokenize({ path, text }: Document): TokenizedDocument {
  return {
    path,
    tokens: Int32Array.from(
      encode(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() }),
    ),
  };
}
