import { unlessLost } from '@heed/core/kernel';
import type { CacheCore } from '../core.ts';
import type { KvStore } from './store.ts';

/** What a store answers. It may never do so: an abort, or the loss of the device, ends the wait. */
export async function ask<T>(
  { gpu }: CacheCore,
  signal: AbortSignal | undefined,
  question: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  return unlessLost(gpu, Promise.resolve(question()), signal);
}

/** All keys of a store, each waited for as {@link ask} does. */
export async function* askKeys(
  core: CacheCore,
  store: KvStore,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const keys = store.keys()[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await ask(core, signal, () => keys.next()).catch((error: unknown) => {
      // Not waited for: an iterator that waits for its store ends only when that answers.
      keys.return?.().catch(() => {});
      throw error;
    });
    if (done) return;
    yield value;
  }
}
