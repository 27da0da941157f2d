import { fail, show } from '@heed/core/kernel';
import { isMemoryStore } from './memory-store.ts';
import type { SaveOptions } from './save.ts';
import { checkNamespace } from './store-key.ts';
import type { KvStore } from './store.ts';

const parts = ['get', 'put', 'delete', 'keys'] as const;

/** Checks what a save and a load are given. */
export function checkStore(
  fn: string,
  store: KvStore,
  { namespace, signal, onProgress }: SaveOptions,
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
