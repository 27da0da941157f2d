import { sha256 } from './sha256.ts';

/** Returns two lower-case digits per byte. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The inverse of {@link toHex}. */
export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );

/** SHA-256 of everything up to the end of a full page, as 64 lower-case hexadecimal digits. */
export type PageName = string;

const nameBytes = 32;

/**
 * Start of a root's hash input, where a page's input has its parent's name. A root and a page have one name only if this text is
 * itself a SHA-256.
 */
const rootTag = new TextEncoder().encode('heed.kvcache prefix root v1     ');

/**
 * Returns the parent name of first pages. Prefixes under different salts share no page; no salt is the empty salt.
 *
 * The name is the SHA-256 of a tag of 32 bytes and the salt's UTF-16 code units, little-endian. In UTF-8, all lone surrogates
 * would have one name.
 */
export function rootName(salt = ''): PageName {
  const input = new Uint8Array(nameBytes + 2 * salt.length);
  input.set(rootTag);
  const view = new DataView(input.buffer, nameBytes);
  for (let i = 0; i < salt.length; i++) view.setUint16(2 * i, salt.charCodeAt(i), true);
  return toHex(sha256(input));
}

/**
 * Returns the name of the full page that holds `tokens` and follows the page (or root) named `parent`: SHA-256 of the parent's 32 bytes and
 * the tokens as little-endian 32-bit words. So it depends on all tokens before it and on the salt.
 */
export function pageName(parent: PageName, tokens: Uint32Array): PageName {
  const input = new Uint8Array(nameBytes + tokens.byteLength);
  input.set(fromHex(parent));
  const view = new DataView(input.buffer, nameBytes);
  for (let i = 0; i < tokens.length; i++) view.setUint32(4 * i, tokens[i]!, true);
  return toHex(sha256(input));
}
