/** The token before and after each document; no text has it. A model that gives it has nothing more to say. */
export const BOUNDARY = 0;

/** A text's bytes in UTF-8, which are its tokens. Characters NUL are left out. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text).filter((byte) => byte !== BOUNDARY);
}

/** The text of tokens; what is no UTF-8, as half a character at the end, becomes U+FFFD. Boundaries are left out. */
export function decodeText(tokens: Uint8Array): string {
  return new TextDecoder().decode(tokens.filter((byte) => byte !== BOUNDARY));
}
