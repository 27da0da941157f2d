import { CapacityError, UnsupportedError } from '@heed/core';

const instead = 'use memoryStore(), or a store of your own';

/** @throws UnsupportedError where this page or worker has no origin private file system that a store can write */
export function checkOpfs(): void {
  const { isSecureContext, navigator, FileSystemFileHandle } = globalThis as Partial<
    typeof globalThis
  >;
  if (isSecureContext === false) {
    throw new UnsupportedError(
      'opfsStore: an insecure context has no origin private file system; serve the page by https or from localhost, or ' +
        instead,
    );
  }
  const { storage, locks } = (navigator ?? {}) as Partial<Navigator>;
  const needs = {
    'navigator.storage.getDirectory': storage?.getDirectory,
    'navigator.locks': locks,
    'FileSystemFileHandle.createWritable': FileSystemFileHandle?.prototype.createWritable,
  };
  const missing = Object.entries(needs).find(([, needed]) => needed === undefined);
  if (missing === undefined) return;
  throw new UnsupportedError(
    `opfsStore: needs ${missing[0]}, which this environment lacks (Chromium has it from 86, Firefox from 111, Safari from 26); ` +
      instead,
  );
}

const nameOf = (error: unknown): string => (error as Partial<DOMException>)?.name ?? '';

/** True for the errors of looking up a file or folder that is not there; a folder under an entry's name is foreign. */
export const isMissing = (error: unknown): boolean =>
  nameOf(error) === 'NotFoundError' || nameOf(error) === 'TypeMismatchError';

/** The browser's error in words that name the remedy. */
export function explained(call: string, error: unknown): Error {
  const cause = { cause: error };
  const message = `${nameOf(error)}: ${(error as Error).message}`;
  if (nameOf(error) === 'QuotaExceededError') {
    return new CapacityError(
      `${call}: the origin's storage quota is used up (${message}); delete entries, or ask for more with ` +
        'navigator.storage.persist()',
      cause,
    );
  }
  return new UnsupportedError(
    `${call}: the browser refused the origin private file system (${message}); private windows and third-party frames may ` +
      `not have it: ${instead}`,
    cause,
  );
}
