import type { Gpu } from '@heed/core';
import { unlessLost } from '@heed/core/kernel';
import type { KvStore } from './kv-store.ts';
import { askMany } from './store-ask.ts';

type Value = Uint8Array | undefined;

/** Bytes of a group of keys that are fetched together. */
export const pieceBytes: number = 8 * 2 ** 20;
const mostBytes = 32 * 2 ** 20;

/** One request of a store, for all who want one of its keys. */
interface Flight {
  readonly aborter: AbortController;
  readonly keys: readonly string[];
  waiting: number;
}

/** Values that were requested, a promise per key. */
export interface Fetch {
  readonly values: readonly Promise<Value>[];
  /** Must be called when no value is waited for any more: a request that nobody waits for is aborted. */
  release(): void;
}

/** Requests of one store. A key that is under way is not requested again, whoever wants it. */
export class SharedFetches {
  readonly #gpu: Gpu;
  readonly #store: KvStore;
  readonly #underWay = new Map<
    string,
    { readonly flight: Flight; readonly value: Promise<Value> }
  >();

  constructor(gpu: Gpu, store: KvStore) {
    this.#gpu = gpu;
    this.#store = store;
  }

  /** Requests keys, in one call for those that are not under way. */
  fetch(keys: readonly string[], signal: AbortSignal | undefined, bytesPerValue: number): Fetch {
    this.#start(
      [...new Set(keys)].filter((key) => !this.#underWay.has(key)),
      bytesPerValue,
    );
    const found = keys.map((key) => this.#underWay.get(key)!);
    const flights = new Set(found.map(({ flight }) => flight));
    for (const flight of flights) flight.waiting++;
    const values = found.map(({ value }) => unlessLost(this.#gpu, value, signal));
    for (const value of values) value.catch(() => {}); // the caller stops at the first failure
    let isReleased = false;
    return {
      values,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        for (const flight of flights) if (--flight.waiting === 0) this.#end(flight);
      },
    };
  }

  /**
   * Yields groups with the values of their keys, in order. Requests of the next groups travel while one is used: keep a group below
   * {@link pieceBytes}, so that at most 32 MiB are under way.
   */
  async *ahead<T>(
    groups: readonly T[],
    keysOf: (group: T) => readonly string[],
    signal: AbortSignal | undefined,
    bytesPerValue: number,
  ): AsyncGenerator<readonly [group: T, values: readonly Promise<Value>[]]> {
    // One value may be larger than a group.
    const underWay = Math.max(1, Math.floor(mostBytes / Math.max(pieceBytes, bytesPerValue)));
    const queue: Fetch[] = [];
    let next = 0;
    try {
      for (const group of groups) {
        for (; queue.length < underWay && next < groups.length; next++) {
          queue.push(this.fetch(keysOf(groups[next]!), signal, bytesPerValue));
        }
        yield [group, queue[0]!.values];
        queue.shift()!.release();
      }
    } finally {
      for (const fetch of queue) fetch.release();
    }
  }

  #start(keys: readonly string[], bytesPerValue: number): void {
    if (keys.length === 0) return;
    const flight: Flight = { aborter: new AbortController(), keys, waiting: 0 };
    const values = askMany(this.#gpu, this.#store, keys, flight.aborter.signal, bytesPerValue);
    keys.forEach((key, i) => this.#underWay.set(key, { flight, value: values[i]! }));
  }

  // Values are not kept: who comes later asks again.
  #end(flight: Flight): void {
    for (const key of flight.keys) {
      if (this.#underWay.get(key)?.flight === flight) this.#underWay.delete(key);
    }
    flight.aborter.abort();
  }
}
