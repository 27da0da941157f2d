import type { Gpu } from '@heed/core';
import { fail, show, unlessLost } from '@heed/core/kernel';
import { isMemoryStore, type KvStore } from './kv-store.ts';
import { checkNamespace } from './store-key.ts';

const parts = ['get', 'put', 'delete', 'keys'] as const;

/** Options that save and load share. */
interface StoreCall {
  readonly namespace?: string;
  readonly key?: CryptoKey;
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
  { namespace, key, signal, onProgress }: StoreCall,
  usage: 'sign' | 'verify',
): void {
  checkParts(fn, store);
  if (namespace !== undefined) {
    checkNamespace(fn, namespace);
  } else if (!isMemoryStore(store)) {
    const rule =
      'namespace is required: it names the weights and the tokenizer, and pages of other weights must not be found';
    fail(fn, rule, 'none', "Name them, or pass '' where the store serves one model.");
  }
  if (key !== undefined) checkSeal(fn, key, usage);
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

function checkSeal(fn: string, key: CryptoKey, usage: 'sign' | 'verify'): void {
  const { name, hash } = (key?.algorithm ?? {}) as Partial<HmacKeyAlgorithm>;
  if (name === 'HMAC' && hash?.name === 'SHA-256' && key.usages.includes(usage)) return;
  const rule = `key must be a CryptoKey for HMAC with SHA-256 whose usages have '${usage}'`;
  const got = name === undefined ? show(key) : `${name} ${hash?.name ?? ''}, ${key.usages.join()}`;
  const fix =
    "Import one with crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, …).";
  fail(fn, rule, got, fix);
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

/** Splits a list into chunks of at most `most` bytes, each of at least one element. */
export function* chunks<T>(
  list: readonly T[],
  bytesOf: (element: T) => number,
  most: number = chunkBytes,
): Generator<readonly T[]> {
  let [start, bytes] = [0, 0];
  for (const [i, element] of list.entries()) {
    const size = bytesOf(element);
    if (i > start && bytes + size > most) {
      yield list.slice(start, i);
      [start, bytes] = [i, 0];
    }
    bytes += size;
  }
  if (start < list.length) yield list.slice(start);
}
