import type { Gpu } from '@heed/core';
import { fail, show, unlessLost } from '@heed/core/kernel';
import { isMemoryStore, type KvStore } from './kv-store.ts';
import { checkNamespace } from './store-key.ts';

const parts = ['get', 'put', 'delete', 'keys'] as const;

/** What a save and a load have in common. */
interface StoreCall {
  readonly namespace?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Checks what a save and a load are given. */
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

/** What a store answers. It may never do so: an abort, or the loss of the device, ends the wait. */
export async function ask<T>(
  gpu: Gpu,
  signal: AbortSignal | undefined,
  question: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  return unlessLost(gpu, Promise.resolve(question()), signal);
}

/** All keys of a store, each waited for as {@link ask} does. */
export async function* askKeys(
  gpu: Gpu,
  store: KvStore,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const keys = store.keys()[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await ask(gpu, signal, () => keys.next()).catch((error: unknown) => {
      // Not waited for: an iterator that waits for its store ends only when that answers.
      keys.return?.().catch(() => {});
      throw error;
    });
    if (done) return;
    yield value;
  }
}

const chunkBytes = 32 * 2 ** 20;

/** A list in pieces whose elements take some megabytes together: at least one element each. */
export function* chunks<T>(list: readonly T[], bytesPerElement: number): Generator<readonly T[]> {
  const count = Math.max(1, Math.floor(chunkBytes / bytesPerElement));
  for (let at = 0; at < list.length; at += count) yield list.slice(at, at + count);
}
