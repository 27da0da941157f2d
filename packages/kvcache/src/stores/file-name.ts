import { ValidationError } from '@heed/core';
import { escaping } from './escaping.ts';

/** File systems take 255; the rest of the name, and what a browser adds to it, need some of them. */
const maxLength = 230;

/** No capitals: some file systems do not tell them from small letters. */
const { escape, unescape } = escaping('=', /[^a-z0-9._-]/g);

/** Neither hidden, nor '..', nor a device of Windows ('nul'), nor like a temporary or foreign file. */
const pattern = /^key-(.*)\.bin$/s;

/**
 * Text in letters that every file system takes and keeps apart: `a–z 0–9 . _ -` stand for themselves, any other UTF-16 code
 * unit is `=` and four hexadecimal digits.
 * @param what who asks and for what, as the error begins
 * @throws ValidationError when the result is longer than a file name may be
 */
export function fileText(what: string, text: string): string {
  const escaped = escape(text);
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
  return escaped === undefined ? undefined : unescape(escaped);
}
