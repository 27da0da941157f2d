import { fail, show } from '@heed/core/kernel';
import type { PageName } from '../pages/page-name.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';

/** A prefix became findable. `name` is its last page, `parent` the page before. */
export interface StoredEvent {
  readonly name: PageName;
  /** Name of the page before it; for a first page, of the salt. */
  readonly parent: PageName;
  /** The page's own tokens. */
  readonly tokens: Uint32Array;
  /** Full pages before it. */
  readonly depth: number;
  /**
   * The physical page that holds it; with `groups`, in the first layer of the first group without a window. Copies, made by sequences
   * that compute the same tokens in one step, have no event.
   */
  readonly page: number;
}

export const storedEvent = (node: PrefixNode, told: number): StoredEvent => {
  const { name, parent, tokens, depth, sets } = node;
  return { name, parent: parent!.name, tokens, depth, page: toldPage(node, told, sets[0]!) };
};

/**
 * Returns the page that events tell of a prefix.
 * @param told the group of that page
 * @param other the pages to tell if the prefix has none in that group
 */
export const toldPage = (node: PrefixNode, told: number, other: PageSet): number =>
  (node.best(told) ?? other).pages[0]!;

/** A prefix is no longer findable: its last page was evicted. */
export interface RemovedEvent {
  readonly name: PageName;
  /** The physical page that held it last. */
  readonly page: number;
}

/** Events of a cache. Replayed in order, `stored` and `removed` give the prefixes that it has. */
export interface KvEvents {
  readonly stored: StoredEvent;
  readonly removed: RemovedEvent;
  /** All prefixes were forgotten at once. */
  readonly cleared: undefined;
}

type Listener<E extends keyof KvEvents> = (event: KvEvents[E]) => void;

/** The listeners of one cache. They are called after the call that caused the events, so that they may call the cache. */
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
    // A listener that is added twice is called twice, and each returned function removes it once.
    const own: Listener<E> = (value) => {
      listener(value);
    };
    this.#listeners[event].add(own);
    return () => void this.#listeners[event].delete(own);
  }

  /** Queues an event if it has a listener. */
  note<E extends keyof KvEvents>(event: E, make: () => KvEvents[E]): void {
    const listeners = this.#listeners[event];
    if (listeners.size === 0) return;
    const value = make();
    for (const listener of listeners) this.#pending.push(() => listener(value));
  }

  /** Calls all listeners of the queued events, then rethrows the first error. */
  deliver(): void {
    const errors: unknown[] = [];
    while (this.#pending.length > 0) {
      const pending = this.#pending;
      this.#pending = [];
      for (const call of pending) {
        try {
          call();
        } catch (error) {
          errors.push(error);
        }
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
