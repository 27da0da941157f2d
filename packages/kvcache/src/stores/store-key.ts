import { ValidationError } from '@heed/core';
import { fail, show } from '@heed/core/kernel';
import type { PageGeometry } from '../pages/geometry.ts';
import type { PageName } from '../prefix/page-name.ts';
import { escaping } from './escaping.ts';
import { geometryText, parseGeometry } from './geometry-text.ts';

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

const { escape, unescape } = escaping('_', /[^a-z0-9-]/g);

/**
 * Key of a page in a store: `v1.<geometry>.<namespace>.<depth>.<name>`, of a link with `.link` behind it, in the letters
 * `a–z 0–9 . _ -`. Different pages have different keys, also where capitals count for nothing.
 * @throws ValidationError when the namespace is longer than 80 characters, where each but `a–z 0–9 -` counts as 5
 */
export function storeKey({ geometry, namespace, depth, name, isLink }: StoreKey): string {
  checkNamespace('storeKey', namespace);
  const parts = [version, geometryText(geometry), escape(namespace), depth, name];
  return [...parts, ...(isLink ? [link] : [])].join('.');
}

/** @throws ValidationError not a string, or too long for {@link storeKey} */
export function checkNamespace(fn: string, namespace: unknown): void {
  if (typeof namespace !== 'string') {
    fail(fn, 'namespace must be a string', show(namespace), 'Name the weights, or leave it out.');
  }
  const { length } = escape(namespace);
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
  const namespace = unescape(escaped);
  if (geometry === undefined || namespace === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,9})$/.test(depth) || !/^[0-9a-f]{64}$/.test(name)) return undefined;
  return { geometry, namespace, depth: Number(depth), name, ...(isLink && { isLink }) };
}
