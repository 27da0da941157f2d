import { sha256 } from './sha256.ts';

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Returns two lower-case digits per byte. */
export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += digits[byte]!;
  return hex;
}

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

/** A synchronous SHA-256: bytes to 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Returns the 32 bytes of {@link rootName}. */
export function rootDigest(salt: string, hash: Sha256): Uint8Array {
  const input = new Uint8Array(nameBytes + 2 * salt.length);
  input.set(rootTag);
  const view = new DataView(input.buffer, nameBytes);
  for (let i = 0; i < salt.length; i++) view.setUint16(2 * i, salt.charCodeAt(i), true);
  return hash(input);
}

/** Returns the 32 bytes of {@link pageName} for `tokens[start] … tokens[start + count − 1]`. */
export function pageDigest(
  parent: Uint8Array,
  tokens: ArrayLike<number>,
  start: number,
  count: number,
  hash: Sha256,
): Uint8Array {
  const input = new Uint8Array(nameBytes + 4 * count);
  input.set(parent);
  const view = new DataView(input.buffer, nameBytes);
  for (let i = 0; i < count; i++) view.setUint32(4 * i, tokens[start + i]!, true);
  return hash(input);
}

/**
 * Returns the parent name of first pages. Prefixes under different salts share no page; no salt is the empty salt.
 *
 * The name is the SHA-256 of a tag of 32 bytes and the salt's UTF-16 code units, little-endian. In UTF-8, all lone surrogates
 * would have one name.
 */
export const rootName = (salt = ''): PageName => toHex(rootDigest(salt, sha256));

/**
 * Returns the name of the full page that holds `tokens` and follows the page (or root) named `parent`: SHA-256 of the parent's 32 bytes and
 * the tokens as little-endian 32-bit words. So it depends on all tokens before it and on the salt.
 */
export const pageName = (parent: PageName, tokens: Uint32Array): PageName =>
  toHex(pageDigest(fromHex(parent), tokens, 0, tokens.length, sha256));
