import { heedError } from './valkey-errors.ts';

const mostCharacters = 230;

/** The characters that stand for themselves. Braces do not: a cluster would take them for a hash tag. */
const plain = /[^a-z0-9._-]/g;

/** Returns a store's key as the server has it: a UTF-16 unit that is not plain is `=` and four digits. */
export function serverKey(fn: string, prefix: string, key: string): string {
  const text = key.replace(plain, (unit) => `=${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (text.length <= mostCharacters) return prefix + text;
  const rule = `the key must not be longer than ${mostCharacters} characters, where any but a–z 0–9 . _ - counts five`;
  const got = `${text.length}: "${key.slice(0, 40)}…"`;
  throw heedError('validation', `${fn}: ${rule}; got ${got}. Please choose a shorter one.`);
}

/** The inverse of {@link serverKey}; undefined for keys that it does not return. */
export function storeKey(prefix: string, text: string): string | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const own = text.slice(prefix.length);
  if (!/^(?:[a-z0-9._-]|=[0-9a-f]{4})*$/.test(own)) return undefined;
  return own.replace(/=(....)/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** Returns a pattern that matches what begins with this text. */
export const patternOf = (prefix: string): string => `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
