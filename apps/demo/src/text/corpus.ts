/** The token before and after each document, which no text contains. A model that generates it ends its answer. */
export const BOUNDARY = 0;

/** Returns the tokens of a text: its bytes in UTF-8, without NUL characters. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text).filter((byte) => byte !== BOUNDARY);
}

/** Returns the text of tokens without boundaries. Invalid UTF-8, such as half a character at the end, becomes U+FFFD. */
export function decodeText(tokens: Uint8Array): string {
  return new TextDecoder().decode(tokens.filter((byte) => byte !== BOUNDARY));
}

/**
 * Splits a text into documents: paragraphs between blank lines. A fenced code block stays whole, and a Markdown heading belongs to
 * the paragraph after it. Each document ends with one line break.
 */
export function splitDocuments(text: string): string[] {
  const documents: string[] = [];
  let lines: string[] = [];
  let fence: string | undefined;
  const end = (): void => {
    const document = lines.join('\n').trim();
    if (document !== '') documents.push(`${document}\n`);
    lines = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const mark = /^\s*(```|~~~)/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || fence === mark)) {
      fence = fence === undefined ? mark : undefined;
    }
    if (fence !== undefined || line.trim() !== '' || isOnlyHeadings(lines)) lines.push(line);
    else end();
  }
  end();
  return documents;
}

const isOnlyHeadings = (lines: readonly string[]): boolean =>
  lines.every((line) => line.trim() === '' || /^#{1,6} /.test(line));

/** Documents as bytes, without boundaries. */
export interface Corpus {
  readonly train: readonly Uint8Array[];
  /** Documents that are never trained on. */
  readonly heldOut: readonly Uint8Array[];
}

const EVERY = 10;
const LEAST_BYTES = 2000;

/**
 * Splits a text for training and holds a tenth out: every tenth document, or the last tenth of each if there are fewer than ten.
 * @throws Error if the text is too short
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
