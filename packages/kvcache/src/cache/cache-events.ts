import { fail, show } from '@heed/core/kernel';
import type { PageName } from '../pages/page-name.ts';

/** A prefix became findable: its last page is `name`, what comes before it `parent`. */
export interface StoredEvent {
  readonly name: PageName;
  /** The name of the page before; of the salt for a first page. */
  readonly parent: PageName;
  /** The page's own tokens. */
  readonly tokens: Uint32Array;
  /** Full pages before it. */
  readonly depth: number;
  /** The physical page that holds it. Sequences that compute the same tokens at once add copies, of which no event tells. */
  readonly page: number;
}

/** A prefix is no longer findable: its last memory was reused. */
export interface RemovedEvent {
  readonly name: PageName;
  /** The physical page that held it last. */
  readonly page: number;
}

/** What can be listened to. Replayed in order, `stored` and `removed` give the prefixes that the cache has. */
export interface KvEvents {
  readonly stored: StoredEvent;
  readonly removed: RemovedEvent;
  /** All prefixes were forgotten at once. */
  readonly cleared: undefined;
}

type Listener<E extends keyof KvEvents> = (event: KvEvents[E]) => void;

/** The listeners of one cache. They are told when the call that made the events is done, so that they may call the cache. */
export class KvEmitter {
  readonly #listeners: { readonly [E in keyof KvEvents]: Set<Listener<E>> } = {
    stored: new Set(),
    removed: new Set(),
    cleared: new Set(),
  };
  #pending: (() => void)[] = [];

  on<E extends keyof KvEvents>(event: E, listener: Listener<E>): () => void {
    if (!['stored', 'removed', 'cleared'].includes(event) || typeof listener !== 'function') {
      const got = `${show(event)} and ${show(listener)}`;
      const rule = "an event is 'stored', 'removed' or 'cleared' and its listener a function";
      fail('cache.on', rule, got, "cache.on('stored', ({ name }) => …)");
    }
    // A listener that is added twice is told twice, and taken away once.
    const own: Listener<E> = (value) => {
      listener(value);
    };
    this.#listeners[event].add(own);
    return () => void this.#listeners[event].delete(own);
  }

  /** Notes an event, if anybody listens. */
  note<E extends keyof KvEvents>(event: E, make: () => KvEvents[E]): void {
    const listeners = this.#listeners[event];
    if (listeners.size === 0) return;
    const value = make();
    for (const listener of listeners) this.#pending.push(() => listener(value));
  }

  /** Tells what was noted. All listeners are told; the first that threw is heard. */
  deliver(): void {
    const errors: unknown[] = [];
    while (this.#pending.length > 0) {
      const pending = this.#pending;
      this.#pending = [];
      for (const tell of pending) {
        try {
          tell();
        } catch (error) {
          errors.push(error);
        }
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
