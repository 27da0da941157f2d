import { ValidationError } from '@heed/core';
import { fail, show } from '@heed/core/kernel';
import { parseGeometry } from '../pages/page-geometry.ts';
import type { PageName } from '../pages/page-name.ts';

/** Identifies a record in a store that several caches share. */
export interface StoreKey {
  /** The digest of the whole cache's geometry; of version 1, its text. */
  readonly geometry: string;
  /** Names the model: pages of equal geometry and tokens, but of other weights, have other keys. */
  readonly namespace: string;
  /** Group of layers; 0 in version 1. */
  readonly group: number;
  /** Full pages before the record, so that a reader can load parents first. */
  readonly depth: number;
  /** Name of the record's last page. */
  readonly name: PageName;
  /**
   * True for a record without rows: a window has released the page, and the link keeps its continuations findable. A page and its
   * link have different keys, since the page may be saved later.
   */
  readonly isLink?: boolean;
}

const link = 'link';
const maxNamespace = 80;

const inKey = escaping('_', /[^a-z0-9-]/g);

/** Returns a namespace as keys and records have it, in the characters `a–z 0–9 _ -`. */
export const namespaceText = (namespace: string): string => inKey.escape(namespace);

/**
 * Returns the key of a record: `v2.<geometry>.<namespace>.<group>.<depth>.<name>`, with `.link` appended for a link, in the
 * characters `a–z 0–9 . _ -`. The keys of different records differ even on file systems that ignore case: a segment and its last
 * page differ in their depths.
 * @throws ValidationError a namespace longer than 80 characters, where each but `a–z 0–9 -` counts as 5
 */
export function storeKey({ geometry, namespace, group, depth, name, isLink }: StoreKey): string {
  checkNamespace('storeKey', namespace);
  const parts = ['v2', geometry, inKey.escape(namespace), group, depth, name];
  return [...parts, ...(isLink ? [link] : [])].join('.');
}

/** Returns the key of a page in version 1: `v1.<geometry's text>.<namespace>.<depth>.<name>`. */
export const oldKey = ({ geometry, namespace, depth, name, isLink }: StoreKey): string =>
  ['v1', geometry, inKey.escape(namespace), depth, name, ...(isLink ? [link] : [])].join('.');

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

/** A key of either version. */
export interface ParsedKey extends StoreKey {
  readonly version: 1 | 2;
}

const patterns = [
  /^v1\.(?<geometry>[^.]+)\.(?<space>[^.]*)\.(?<depth>\d+)\.(?<name>[0-9a-f]{64})(?<link>\.link)?$/,
  /^v2\.(?<geometry>[0-9a-f]{16})\.(?<space>[^.]*)\.(?<group>\d+)\.(?<depth>\d+)\.(?<name>[0-9a-f]{64})(?<link>\.link)?$/,
] as const;
const whole = /^(0|[1-9][0-9]{0,9})$/;

/** Inverts {@link storeKey} and {@link oldKey}; returns undefined for any other key. */
export function parseKey(key: string): ParsedKey | undefined {
  const version = key.startsWith('v1.') ? 1 : 2;
  const parts = patterns[version - 1]!.exec(key)?.groups;
  if (!parts) return undefined;
  const { geometry = '', space = '', group = '0', depth = '', name = '' } = parts;
  const namespace = inKey.unescape(space);
  if (namespace === undefined || !whole.test(depth) || !whole.test(group)) return undefined;
  if (version === 1 && parseGeometry(geometry) === undefined) return undefined;
  return {
    version,
    geometry,
    namespace,
    group: Number(group),
    depth: Number(depth),
    name,
    ...(parts.link !== undefined && { isLink: true }),
  };
}

/** File systems allow 255 characters. The rest of the name, and additions of the browser, need some of them. */
const maxLength = 230;

/** No capitals, since some file systems ignore case. */
const inFile = escaping('=', /[^a-z0-9._-]/g);

/** A name of this form is not hidden, '..', a device of Windows ('nul'), or like a temporary or foreign file. */
const pattern = /^key-(.*)\.bin$/s;

/**
 * Escapes text to characters that every file system stores and distinguishes: `a–z 0–9 . _ -` are kept, any other UTF-16 code
 * unit becomes `=` and four hexadecimal digits.
 * @param what the function and the argument, which begin the error message
 * @throws ValidationError the result is longer than a file name may be
 */
export function fileText(what: string, text: string): string {
  const escaped = inFile.escape(text);
  if (escaped.length <= maxLength) return escaped;
  throw new ValidationError(
    `${what} must not be longer than ${maxLength} characters, where each but a–z 0–9 . _ - counts as 5, got ${escaped.length}: ` +
      `${JSON.stringify(text.slice(0, 40))}…; choose a shorter one`,
  );
}

/** Returns the name of the file for `key`. */
export const fileName = (fn: string, key: string): string =>
  `key-${fileText(`${fn}: the key`, key)}.bin`;

/** Returns the key of a file, or undefined for foreign files. */
export function keyOfFile(file: string): string | undefined {
  const escaped = pattern.exec(file)?.[1];
  return escaped === undefined ? undefined : inFile.unescape(escaped);
}

/** A reversible mapping of any text to a small alphabet. */
interface Escaping {
  /** Replaces UTF-16 code units outside the alphabet, lone surrogates included, by the mark and four hexadecimal digits. */
  escape(text: string): string;
  /** Inverts `escape`; returns undefined for a text that `escape` cannot return. */
  unescape(escaped: string): string | undefined;
}

/** @param others matches every code unit that is escaped, the mark included (flag g, not u) */
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
