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

/** @throws ValidationError an object without a function that all stores have */
export function checkParts(fn: string, store: KvStore): void {
  const missing = parts.find(
    (part) => typeof (store as Partial<KvStore> | undefined)?.[part] !== 'function',
  );
  if (missing === undefined) return;
  const got = `${show(store)} without ${missing}()`;
  const fix = 'Pass memoryStore(), fsStore(folder), opfsStore(name) or httpStore(base).';
  fail(fn, 'store must be a KvStore', got, fix);
}

/** Checks the store and the options of a save or load. */
export function checkStore(
  fn: string,
  store: KvStore,
  { namespace, signal, onProgress }: StoreCall,
): void {
  checkParts(fn, store);
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

/**
 * Requests the values of keys: a promise per key, in their order. A store with `getMany` answers all at once; another has all gets
 * under way together. An abort or a lost device ends the wait.
 */
export function askMany(
  gpu: Gpu,
  store: KvStore,
  keys: readonly string[],
  signal: AbortSignal | undefined,
  bytesPerValue: number,
): Promise<Uint8Array | undefined>[] {
  let all: Promise<readonly (Uint8Array | undefined)[]> | undefined;
  const answers = keys.map(async (key, i) => {
    if (!store.getMany) return ask(gpu, signal, () => store.get(key));
    all ??= ask(gpu, signal, () => store.getMany!(keys, { signal, bytesPerValue }));
    return (await all)[i];
  });
  // The caller stops at the first failure, and the others are not unhandled.
  for (const answer of answers) answer.catch(() => {});
  return answers;
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
