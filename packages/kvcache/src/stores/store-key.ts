import { ValidationError } from '@heed/core';
import { fail, show } from '@heed/core/kernel';
import { geometryText, type PageGeometry, parseGeometry } from '../pages/page-geometry.ts';
import type { PageName } from '../pages/page-name.ts';

/** What tells a page from all others in a store that several caches share. */
export interface StoreKey {
  readonly geometry: PageGeometry;
  /** Names the model, say: pages of equal geometry and tokens, but of other weights, must not meet. */
  readonly namespace: string;
  /** Full pages before it: parents can be read before what goes on from them. */
  readonly depth: number;
  readonly name: PageName;
  /**
   * Its record has no rows: a window has released the page, and the link keeps what goes on from it findable. A page and its
   * link have keys of their own, since the page may be saved later.
   */
  readonly isLink?: boolean;
}

const link = 'link';
const maxNamespace = 80;
const version = 'v1';

const inKey = escaping('_', /[^a-z0-9-]/g);

/**
 * Key of a page in a store: `v1.<geometry>.<namespace>.<depth>.<name>`, of a link with `.link` behind it, in the letters
 * `a–z 0–9 . _ -`. Different pages have different keys, also where capitals count for nothing.
 * @throws ValidationError when the namespace is longer than 80 characters, where each but `a–z 0–9 -` counts as 5
 */
export function storeKey({ geometry, namespace, depth, name, isLink }: StoreKey): string {
  checkNamespace('storeKey', namespace);
  const parts = [version, geometryText(geometry), inKey.escape(namespace), depth, name];
  return [...parts, ...(isLink ? [link] : [])].join('.');
}

/** @throws ValidationError not a string, or too long for {@link storeKey} */
export function checkNamespace(fn: string, namespace: unknown): void {
  if (typeof namespace !== 'string') {
    fail(fn, 'namespace must be a string', show(namespace), 'Name the weights, or leave it out.');
  }
  const { length } = inKey.escape(namespace);
  if (length <= maxNamespace) return;
  throw new ValidationError(
    `${fn}: a namespace must not be longer than ${maxNamespace} characters, each but a–z 0–9 - counting as 5, ` +
      `got ${length}: ${JSON.stringify(namespace.slice(0, 40))}…; choose a shorter one, such as a hash of it`,
  );
}

/** The inverse of {@link storeKey}; undefined for the keys of others. */
export function parseKey(key: string): StoreKey | undefined {
  const [first, text = '', escaped = '', depth = '', name = '', ...rest] = key.split('.');
  const isLink = rest.length === 1 && rest[0] === link;
  if (first !== version || (rest.length > 0 && !isLink)) return undefined;
  const geometry = parseGeometry(text);
  const namespace = inKey.unescape(escaped);
  if (geometry === undefined || namespace === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,9})$/.test(depth) || !/^[0-9a-f]{64}$/.test(name)) return undefined;
  return { geometry, namespace, depth: Number(depth), name, ...(isLink && { isLink }) };
}

/** File systems take 255; the rest of the name, and what a browser adds to it, need some of them. */
const maxLength = 230;

/** No capitals: some file systems do not tell them from small letters. */
const inFile = escaping('=', /[^a-z0-9._-]/g);

/** Neither hidden, nor '..', nor a device of Windows ('nul'), nor like a temporary or foreign file. */
const pattern = /^key-(.*)\.bin$/s;

/**
 * Text in letters that every file system takes and keeps apart: `a–z 0–9 . _ -` stand for themselves, any other UTF-16 code
 * unit is `=` and four hexadecimal digits.
 * @param what who asks and for what, as the error begins
 * @throws ValidationError when the result is longer than a file name may be
 */
export function fileText(what: string, text: string): string {
  const escaped = inFile.escape(text);
  if (escaped.length <= maxLength) return escaped;
  throw new ValidationError(
    `${what} must not be longer than ${maxLength} characters, where each but a–z 0–9 . _ - counts as 5, got ${escaped.length}: ` +
      `${JSON.stringify(text.slice(0, 40))}…; choose a shorter one`,
  );
}

/** Name of the file that holds the entry of `key`. */
export const fileName = (fn: string, key: string): string =>
  `key-${fileText(`${fn}: the key`, key)}.bin`;

/** The key whose entry a file of this name holds; undefined for foreign files. */
export function keyOfFile(file: string): string | undefined {
  const escaped = pattern.exec(file)?.[1];
  return escaped === undefined ? undefined : inFile.unescape(escaped);
}

/** Any text in a small alphabet, and back. */
interface Escaping {
  /** UTF-16 code units outside the alphabet, lone surrogates too, become the mark and four hexadecimal digits. */
  escape(text: string): string;
  /** The inverse; undefined for a text that `escape` does not give. */
  unescape(escaped: string): string | undefined;
}

/** @param others matches every code unit that does not stand for itself (flag g, not u); the mark is one of them */
function escaping(mark: string, others: RegExp): Escaping {
  const escape = (text: string): string =>
    text.replaceAll(others, (unit) => mark + unit.charCodeAt(0).toString(16).padStart(4, '0'));
  const escaped = new RegExp(`${mark}([0-9a-f]{4})`, 'g');
  const unescape = (text: string): string | undefined => {
    const plain = text.replaceAll(escaped, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return escape(plain) === text ? plain : undefined;
  };
  return { escape, unescape };
}
