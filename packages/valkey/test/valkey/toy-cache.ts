import type { EventSource } from '../../src/index.ts';

type Listener = (event: never) => void;

/** The events of a cache, without a GPU: names of pages, as numbers. */
export class ToyCache implements EventSource {
  readonly held: Set<number> = new Set();
  readonly #listeners = {
    stored: new Set<Listener>(),
    removed: new Set<Listener>(),
    cleared: new Set<Listener>(),
  };
  readonly on: EventSource['on'] = (event, listener) => {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  };

  prefixes(): ReturnType<EventSource['prefixes']> {
    return Array.from(this.held, storedEvent);
  }

  store(...pages: number[]): void {
    for (const page of pages.filter((one) => !this.held.has(one))) {
      this.held.add(page);
      this.#tell('stored', storedEvent(page));
    }
  }

  remove(...pages: number[]): void {
    for (const page of pages.filter((one) => this.held.has(one))) {
      this.held.delete(page);
      this.#tell('removed', { name: nameOf(page), page });
    }
  }

  clear(): void {
    this.held.clear();
    this.#tell('cleared', undefined);
  }

  #tell(event: 'stored' | 'removed' | 'cleared', value: unknown): void {
    for (const listener of this.#listeners[event]) listener(value as never);
  }
}

export const nameOf = (page: number): string => page.toString(16).padStart(32, '0').padEnd(64, 'f');

const storedEvent = (page: number): ReturnType<EventSource['prefixes']>[number] => ({
  name: nameOf(page),
  parent: nameOf(0),
  tokens: new Uint32Array(4),
  depth: 0,
  page,
});
