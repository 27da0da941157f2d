import type {
  GetManyOptions,
  KvStore,
  PutManyOptions,
  PutManyReport,
  StoreEntry,
} from '@heed/kvcache';
import type { ValkeyClient } from './client.ts';
import { type Batch, Commands, type Outcome } from './commands.ts';
import { checkStoreOptions, type ValkeyStoreOptions } from './store-options.ts';
import { policyWarning, StoreCounters, type ValkeyStoreStats } from './store-stats.ts';
import { checkClient, heedError, UnreachableError } from './valkey-errors.ts';

/** A store on a server that many workers share. */
export interface ValkeyStore extends KvStore, AsyncDisposable {
  /** Fetches values side by side, in the order of `keys`; undefined for what is not there, or did not come in time. */
  getMany(
    keys: readonly string[],
    options?: GetManyOptions,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** Stores entries side by side, and counts those that the server refused. */
  putMany(entries: readonly StoreEntry[], options?: PutManyOptions): Promise<PutManyReport>;
  /** Counters up to now. */
  readonly stats: ValkeyStoreStats;
}

/** Bytes that a value is taken to have before one was seen. */
const firstGuess = 1 << 18;
const mostRenewals = 100_000;

/**
 * Returns a store on Valkey or Redis. The client is yours: heed neither connects nor closes it.
 *
 * Every command has a deadline, whatever the client's settings: `deadlineMs` and the time of the bytes in flight at
 * `minBytesPerSecond`. Of `getMany`, what is late counts as missing, with all behind it; it rejects only if nothing was reachable.
 * After five commands without any answer, calls fail at once for two seconds.
 *
 * Entries expire after `ttlSeconds`; a hit renews them when less than half is left. A server that is full refuses entries
 * (CapacityError; `putMany` counts them).
 *
 * @throws ValidationError options out of range; a client that lacks a function
 *
 * @example
 * const store = valkeyStore(new Redis('redis://localhost'), { ttlSeconds: 3600 });
 * const { hold } = await cache.load(store, { namespace: 'my-model-7b', tokens: prompt });
 */
export function valkeyStore(client: ValkeyClient, options: ValkeyStoreOptions = {}): ValkeyStore {
  checkClient('valkeyStore', client);
  const checked = checkStoreOptions('valkeyStore', options);
  const { prefix, ttlSeconds, batchBytes, clock } = checked;
  const commands = new Commands(checked);
  const counters = new StoreCounters(clock);
  let guess = Math.min(firstGuess, batchBytes);
  let isDisposed = false;
  let isPolicyAsked = false;

  const begin = (name: string): string => {
    const fn = `valkeyStore().${name}`;
    if (isDisposed) throw heedError('disposed', `${fn}: the store was disposed. Make another.`);
    return fn;
  };

  /** Asks once, when the server first answers, how it evicts. Nobody waits for it. */
  const askPolicy = (): void => {
    if (isPolicyAsked || !client.info) return;
    isPolicyAsked = true;
    void commands
      .run(1, () => client.info!('memory'))
      .then((outcome) => {
        if (outcome.is === 'answer') counters.policy = policyWarning(outcome.value);
        else isPolicyAsked = outcome.is === 'refusal';
      });
  };

  /** When keys were last renewed, or found to have time left. Oldest first. */
  const renewed = new Map<string, number>();
  const isFresh = (key: string, now: number): boolean => {
    const at = renewed.get(key);
    return at !== undefined && now >= at && now - at < 500 * ttlSeconds;
  };
  const note = (key: string, at: number): void => {
    renewed.delete(key);
    renewed.set(key, at);
    if (renewed.size > mostRenewals) renewed.delete(renewed.keys().next().value!);
  };

  /** Renews a key of which less than half is left. Nobody waits for it. */
  const renew = async (key: string): Promise<void> => {
    const now = clock.now();
    if (isFresh(key, now) || !client.ttl || !client.expire) return;
    note(key, now);
    const left = await commands.run(1, () => client.ttl!(key));
    if (left.is !== 'answer' || left.value < 0) return;
    if (left.value >= ttlSeconds / 2) {
      note(key, now - 1000 * Math.max(0, ttlSeconds - left.value));
      return;
    }
    const renewal = await commands.run(1, () => client.expire!(key, ttlSeconds));
    if (renewal.is === 'answer') counters.renewed++;
    else renewed.delete(key);
  };

  const fetch = async (
    key: string,
    bytes: number,
    batch?: Batch,
  ): Promise<Outcome<Uint8Array | null>> => {
    const end = counters.begin('read');
    const outcome = await commands.run(bytes, () => client.getBuffer(key), batch);
    end();
    if (outcome.is === 'answer' && outcome.value) {
      guess = Math.max(outcome.value.length, 1024);
      counters.hit(outcome.value.length);
      void renew(key);
    } else counters.miss(outcome.is);
    if (outcome.is === 'answer') askPolicy();
    return outcome;
  };

  const write = async (key: string, bytes: Uint8Array): Promise<Outcome<unknown>> => {
    const end = counters.begin('write');
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = Math.max(1, bytes.length);
    const outcome = await commands.run(size, () => client.set(key, value, 'EX', ttlSeconds));
    end();
    if (outcome.is === 'answer') {
      note(key, clock.now());
      counters.keep(bytes.length);
      askPolicy();
    } else {
      renewed.delete(key);
      counters.refuse(outcome.is);
    }
    return outcome;
  };

  /** Lists the keys of one server. */
  async function* scan(fn: string, node: Pick<ValkeyClient, 'scan'>): AsyncGenerator<string> {
    let cursor = '0';
    do {
      const from = cursor;
      const outcome = await commands.run(1, () =>
        node.scan(from, 'MATCH', patternOf(prefix), 'COUNT', 1000),
      );
      if (outcome.is !== 'answer') throw failureOf(fn, outcome);
      const [next, keys] = outcome.value;
      cursor = next;
      yield* keys;
    } while (cursor !== '0');
  }

  return {
    async get(key) {
      const fn = begin('get');
      const outcome = await fetch(serverKey(fn, prefix, key), guess);
      if (outcome.is === 'late') return undefined;
      if (outcome.is !== 'answer') throw failureOf(fn, outcome);
      // A copy: the client's memory holds other answers too.
      return outcome.value ? new Uint8Array(outcome.value) : undefined;
    },

    async getMany(keys, { signal, bytesPerValue } = {}) {
      const fn = begin('getMany');
      signal?.throwIfAborted();
      const names = keys.map((key) => serverKey(fn, prefix, key));
      const size = Math.min(Math.max(1, bytesPerValue ?? guess), batchBytes);
      const batch: Batch = { isOver: false };
      return unlessAborted(signal, async () => {
        const values: (Uint8Array | undefined)[] = names.map(() => undefined);
        let [isReached, failure] = [keys.length === 0, undefined as Error | undefined];
        await new Promise<void>((resolve) => {
          const all = names.map(async (key, i) => {
            const outcome = await fetch(key, size, batch);
            if (outcome.is === 'answer' || outcome.is === 'late') isReached = true;
            else failure ??= failureOf(fn, outcome);
            if (outcome.is === 'answer' && outcome.value) values[i] = viewOf(outcome.value);
            // What is behind a late answer would be later.
            if (outcome.is === 'late' || outcome.is === 'silent') resolve();
          });
          void Promise.all(all).then(() => resolve());
        });
        if (!isReached) throw failure!;
        return values.slice(); // what comes later does not change it
      }).finally(() => {
        batch.isOver = true;
      });
    },

    async put(key, bytes) {
      const fn = begin('put');
      const outcome = await write(serverKey(fn, prefix, key), bytes);
      if (outcome.is !== 'answer') throw failureOf(fn, outcome);
    },

    async putMany(entries, { signal } = {}) {
      const fn = begin('putMany');
      signal?.throwIfAborted();
      const named = entries.map(([key, bytes]) => [serverKey(fn, prefix, key), bytes] as const);
      return unlessAborted(signal, async () => {
        const outcomes = await Promise.all(named.map(([key, bytes]) => write(key, bytes)));
        const kept = outcomes.filter(({ is }) => is === 'answer').length;
        const [first] = outcomes;
        const isReached = outcomes.some((outcome) => outcome.is !== 'silent' && !isDenied(outcome));
        if (!isReached && first && first.is !== 'answer') throw failureOf(fn, first);
        return { kept, refused: entries.length - kept };
      });
    },

    async delete(key) {
      const fn = begin('delete');
      const name = serverKey(fn, prefix, key);
      renewed.delete(name);
      const outcome = await commands.run(1, () => client.unlink(name));
      if (outcome.is !== 'answer') throw failureOf(fn, outcome);
    },

    async *keys() {
      const fn = begin('keys');
      const seen = new Set<string>(); // a scan may list a key twice
      for (const node of client.nodes?.('master') ?? [client]) {
        for await (const text of scan(fn, node)) {
          const key = storeKey(prefix, text);
          if (key === undefined || seen.has(key)) continue;
          seen.add(key);
          yield key;
        }
      }
    },

    get stats() {
      return counters.snapshot(commands);
    },

    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await commands.settled();
    },
  };
}

/** The client's bytes, without a copy: the caller reads them at once. */
const viewOf = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A refusal that is for all commands: of users, not of entries. */
const isDenied = (outcome: Outcome<unknown>): boolean =>
  outcome.is === 'refusal' &&
  /^(NOAUTH|NOPERM|WRONGPASS|CLUSTERDOWN|LOADING)/.test(outcome.error.message);

function failureOf(fn: string, outcome: Exclude<Outcome<unknown>, { is: 'answer' }>): Error {
  if (outcome.is === 'late') return new UnreachableError(`${fn}: the answer came too late.`);
  const { error } = outcome;
  if (outcome.is === 'refusal' && error.message.startsWith('OOM')) {
    const fix = 'Set maxmemory-policy to volatile-lfu, or give the server more memory.';
    return heedError('capacity', `${fn}: the server is full (${error.message}). ${fix}`, error);
  }
  if (outcome.is === 'silent') return new UnreachableError(`${fn}: ${error.message}.`, error);
  return error;
}

/** Waits for work. An abort ends the wait. */
async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (!signal) return work();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const mostCharacters = 230;

/** The characters that stand for themselves. Braces do not: a cluster would take them for a hash tag. */
const plain = /[^a-z0-9._-]/g;

/** Returns a store's key as the server has it: a UTF-16 unit that is not plain is `=` and four digits. */
function serverKey(fn: string, prefix: string, key: string): string {
  const text = key.replace(plain, (unit) => `=${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (text.length <= mostCharacters) return prefix + text;
  const rule = `the key must not be longer than ${mostCharacters} characters, where any but a–z 0–9 . _ - counts five`;
  const got = `${text.length}: "${key.slice(0, 40)}…"`;
  throw heedError('validation', `${fn}: ${rule}; got ${got}. Please choose a shorter one.`);
}

/** The inverse of {@link serverKey}; undefined for keys that it does not return. */
function storeKey(prefix: string, text: string): string | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const own = text.slice(prefix.length);
  if (!/^(?:[a-z0-9._-]|=[0-9a-f]{4})*$/.test(own)) return undefined;
  return own.replace(/=(....)/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** Returns a pattern that matches what begins with this text. */
const patternOf = (prefix: string): string => `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
