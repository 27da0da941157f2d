import type { Gpu } from '@heed/core';
import { fail, show, unlessLost } from '@heed/core/kernel';
import { isMemoryStore, type KvStore } from './kv-store.ts';
import { checkNamespace } from './store-key.ts';

const parts = ['get', 'put', 'delete', 'keys'] as const;

/** Options that save and load share. */
interface StoreCall {
  readonly namespace?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Checks the store and the options of a save or load. */
export function checkStore(
  fn: string,
  store: KvStore,
  { namespace, signal, onProgress }: StoreCall,
): void {
  const missing = parts.find(
    (part) => typeof (store as Partial<KvStore> | undefined)?.[part] !== 'function',
  );
  if (missing !== undefined) {
    const got = `${show(store)} without ${missing}()`;
    fail(
      fn,
      'store must be a KvStore',
      got,
      'Pass memoryStore(), fsStore(folder) or opfsStore(name).',
    );
  }
  if (namespace !== undefined) {
    checkNamespace(fn, namespace);
  } else if (!isMemoryStore(store)) {
    const fix = "Name the weights, or pass '' where the store serves one model.";
    fail(fn, 'namespace is required', 'none', fix);
  }
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
    fail(
      fn,
      'signal must be an AbortSignal',
      show(signal),
      'Pass the signal of an AbortController.',
    );
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    fail(fn, 'onProgress must be a function', show(onProgress), 'Leave it out.');
  }
}

/** Waits for the answer of a store. An abort or a lost device ends the wait, since a store may never answer. */
export async function ask<T>(
  gpu: Gpu,
  signal: AbortSignal | undefined,
  question: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  return unlessLost(gpu, Promise.resolve(question()), signal);
}

/** Lists all keys of a store. Waits for each like {@link ask}. */
export async function* askKeys(
  gpu: Gpu,
  store: KvStore,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const keys = store.keys()[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await ask(gpu, signal, () => keys.next()).catch((error: unknown) => {
      // Not awaited: an iterator that waits for its store ends only when the store answers.
      keys.return?.().catch(() => {});
      throw error;
    });
    if (done) return;
    yield value;
  }
}

const chunkBytes = 32 * 2 ** 20;

/** Splits a list into chunks of at most 32 MiB, each of at least one element. */
export function* chunks<T>(list: readonly T[], bytesPerElement: number): Generator<readonly T[]> {
  const count = Math.max(1, Math.floor(chunkBytes / bytesPerElement));
  for (let at = 0; at < list.length; at += count) yield list.slice(at, at + count);
}
