import type { PagedKvCache, RemovedEvent, StoredEvent } from '@heed/kvcache';
import type { KvEventMessage, KvOperation, WorkerLoad } from '@heed/router';
import {
  type CellKeys,
  cellKeys,
  EventCounters,
  type EventStats,
  type Heartbeat,
  heartbeatMs,
  snapshotOf,
} from './cell-keys.ts';
import { ownConnection, type OwnClient, type ValkeyClient } from './client.ts';
import { Ending } from './ending.ts';
import { checkClient, checkNames, checkNumber, refuse } from './valkey-errors.ts';

/** Options of `publishKvEvents`. */
export interface PublishOptions {
  /** The group of workers that routers choose from, without braces. */
  readonly cell: string;
  /** This worker, 1 to 256 characters: no other of the cell has the name. */
  readonly worker: string;
  /** Where requests go. */
  readonly url: string;
  /** Called each second. */
  readonly load: () => WorkerLoad;
  /** What the bits of answers depend on; see the router's WorkerDetails. */
  readonly bits?: string;
  /** Model and tokenizer, as in the router. Default: `''`. */
  readonly namespace?: string;
  /** Tokens in a page. Default: those of the first prefix that the cache has. */
  readonly pageSize?: number;
  /** Milliseconds that events wait for others. Default: 10. */
  readonly flushMs?: number;
  /** Milliseconds between snapshots while there are events. Default: 10,000. */
  readonly snapshotMs?: number;
}

export const publishNames: { readonly [K in keyof Required<PublishOptions>]: 1 } = {
  cell: 1,
  worker: 1,
  url: 1,
  load: 1,
  bits: 1,
  namespace: 1,
  pageSize: 1,
  flushMs: 1,
  snapshotMs: 1,
};

/** What is called of a cache. */
export type EventSource = Pick<PagedKvCache, 'on' | 'prefixes'>;

/** Hexadecimal digits of a name that travel. */
const nameDigits = 32;
const beatMs = 1000;
/** How long a worker takes leave. */
const byeMs = 250;
const retryMs = 200;
/** What TTL says of a key that is not there. */
const noSuchKey = -2;
/** Names of one message. */
const mostNames = 4096;
/** Names that wait: beyond, a snapshot takes their place. */
const mostWaiting = 1 << 16;
/** Entries of a stream, roughly, and messages between snapshots: a follower that is further behind reads a snapshot. */
const streamLength = 10_000;
const snapshotEvery = 2000;

/**
 * Tells routers what this worker's cache holds and how busy the worker is, until it is disposed of: a stream of events, a snapshot
 * behind gaps, and a heartbeat. Names travel, cut to 16 bytes, and no tokens.
 *
 * It has a connection of its own, on which it waits as long as the server takes: while there is none, events are dropped, and
 * a snapshot follows when there is one again.
 *
 * @throws ValidationError options out of range; a client that lacks a function
 *
 * @example
 * const telling = publishKvEvents(cache, client, { cell: 'eu-1', worker: 'gpu-7', url, load: () => measured });
 * // … and at the end, so that no router waits for the heartbeat to expire:
 * await telling[Symbol.asyncDispose]();
 */
export function publishKvEvents(
  cache: EventSource,
  client: ValkeyClient,
  options: PublishOptions,
): AsyncDisposable & { readonly stats: EventStats } {
  const fn = 'publishKvEvents';
  checkClient(fn, client);
  checkNames(fn, options, publishNames);
  const keys = cellKeys(fn, options.cell);
  const { worker, url, load, namespace = '', bits = '', flushMs = 10, pageSize } = options;
  for (const [name, value, least] of [
    ['worker', worker, 1],
    ['url', url, 1],
    ['namespace', namespace, 0],
    ['bits', bits, 0],
  ] as const) {
    const isText = typeof value === 'string' && value.length >= least && value.length <= 1024;
    if (!isText)
      refuse(fn, `${name} must be a string of at most 1,024 characters`, value, 'Name it.');
  }
  if (worker.length > 256)
    refuse(fn, 'worker must have at most 256 characters', worker, 'Shorten it.');
  if (typeof load !== 'function') refuse(fn, 'load must be a function', load, 'Pass () => load.');
  checkNumber(fn, 'flushMs', flushMs, 0);
  checkNumber(fn, 'snapshotMs', options.snapshotMs ?? 0, 0);
  if (pageSize !== undefined) checkNumber(fn, 'pageSize', pageSize, 1);
  if (typeof cache?.prefixes !== 'function' || typeof cache.on !== 'function') {
    refuse(fn, 'cache must be a PagedKvCache', cache, 'Pass what PagedKvCache.create resolved to.');
  }
  return new Publisher(cache, ownConnection(client), keys, { ...options, namespace, flushMs });
}

class Publisher implements AsyncDisposable {
  readonly #cache: EventSource;
  readonly #client: OwnClient;
  readonly #keys: CellKeys;
  readonly #options: PublishOptions & { readonly namespace: string; readonly flushMs: number };
  readonly #counters = new EventCounters();
  readonly #off: readonly (() => void)[];
  readonly #ended: Promise<void>;
  #pageSize: number | undefined;
  #waiting: KvOperation[] = [];
  #waitingNames = 0;
  #needsSnapshot = true;
  #epoch: number | undefined;
  #seq = 0;
  #at = '0-0';
  #sinceSnapshot = 0;
  readonly #ending = new Ending();
  #snapshotAt = -Infinity;
  #wake = (): void => {};

  constructor(
    cache: EventSource,
    client: OwnClient,
    keys: CellKeys,
    options: PublishOptions & { readonly namespace: string; readonly flushMs: number },
  ) {
    this.#cache = cache;
    this.#client = client;
    this.#keys = keys;
    this.#options = options;
    this.#pageSize = options.pageSize ?? firstOf(cache.prefixes())?.tokens.length;
    this.#off = [
      cache.on('stored', (event) => this.#stored(event)),
      cache.on('removed', (event) => this.#removed(event)),
      cache.on('cleared', () => this.#add({ cleared: true }, 1)),
    ];
    this.#ended = this.#run();
  }

  get stats(): EventStats {
    return this.#counters.stats();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ending.isOver) {
      for (const off of this.#off) off();
      this.#ending.end();
      await this.#ended;
      const { worker } = this.#options;
      const bye = Promise.all([
        this.#client.srem(this.#keys.workers, worker),
        this.#client.unlink(this.#keys.heartbeat(worker)),
      ]).catch(() => {});
      await Promise.race([bye, new Promise((resolve) => setTimeout(resolve, byeMs))]);
      this.#client.disconnect();
    }
    await this.#ended;
  }

  #stored({ name, tokens }: StoredEvent): void {
    this.#pageSize ??= tokens.length;
    const last = this.#waiting.at(-1);
    if (last && 'stored' in last) {
      (last.stored as string[]).push(name.slice(0, nameDigits));
      this.#count(1);
    } else this.#add({ stored: [name.slice(0, nameDigits)] }, 1);
  }

  #removed({ name }: RemovedEvent): void {
    const last = this.#waiting.at(-1);
    if (last && 'removed' in last) {
      (last.removed as string[]).push(name.slice(0, nameDigits));
      this.#count(1);
    } else this.#add({ removed: [name.slice(0, nameDigits)] }, 1);
  }

  #add(operation: KvOperation, names: number): void {
    this.#waiting.push(operation);
    this.#count(names);
  }

  #count(names: number): void {
    this.#waitingNames += names;
    if (this.#waitingNames > mostWaiting) {
      this.#forgetWaiting();
      this.#needsSnapshot = true;
    }
    this.#wake();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingNames = 0;
  }

  /** One command after another. A failure costs the messages, and a snapshot takes their place. */
  async #run(): Promise<void> {
    let beatAt = -Infinity;
    while (!this.#ending.isOver) {
      try {
        await this.#start();
        if (performance.now() - beatAt >= beatMs) {
          beatAt = performance.now();
          await this.#beat();
        }
        const isNamed = this.#pageSize !== undefined;
        if (isNamed && (this.#needsSnapshot || this.#isSnapshotDue())) {
          await this.#snapshot();
        } else if (isNamed && this.#waiting.length > 0) {
          await this.#send(this.#next());
        }
        if (this.#waiting.length > 0 && isNamed)
          await this.#ending.sleep(this.#options.flushMs).done;
        else await this.#sleepUntil(beatAt + beatMs);
      } catch (error) {
        if (this.#ending.isOver) return;
        this.#counters.failed(error);
        this.#needsSnapshot = true;
        await this.#ending.sleep(retryMs).done;
      }
    }
  }

  /** Whether followers that miss something should find a newer snapshot. */
  #isSnapshotDue(): boolean {
    const { snapshotMs = 10_000 } = this.#options;
    const age = performance.now() - this.#snapshotAt;
    return this.#sinceSnapshot >= snapshotEvery || (this.#sinceSnapshot > 0 && age >= snapshotMs);
  }

  /** Waits for the next heartbeat, or for an event and others that come with it. */
  async #sleepUntil(time: number): Promise<void> {
    const { done, wake } = this.#ending.sleep(Math.max(0, time - performance.now()));
    let isWoken = false;
    this.#wake = () => {
      isWoken = true;
      wake();
    };
    await done;
    this.#wake = () => {};
    if (isWoken) await this.#ending.sleep(this.#options.flushMs).done;
  }

  /** Begins an epoch that is larger than that of the worker's former start, also if the clock was set back. */
  async #start(): Promise<void> {
    if (this.#epoch !== undefined) return;
    const { worker } = this.#options;
    const former = snapshotOf(
      await this.#ending.answer(this.#client.getBuffer(this.#keys.snapshot(worker))),
    );
    const epoch = former?.message.epoch;
    await this.#ending.answer(this.#client.unlink(this.#keys.events(worker)));
    this.#epoch = Math.max(Date.now(), typeof epoch === 'number' ? epoch + 1 : 0);
  }

  async #beat(): Promise<void> {
    const { worker, url, bits, load } = this.#options;
    const beat: Heartbeat = {
      version: 1,
      url,
      ...(bits && { bits }),
      load: load(),
      epoch: this.#epoch!,
      seq: this.#seq,
    };
    const isNew = await this.#ending.answer(this.#client.sadd(this.#keys.workers, worker));
    await this.#ending.answer(
      this.#client.set(this.#keys.heartbeat(worker), JSON.stringify(beat), 'PX', heartbeatMs),
    );
    // The server has lost what it had, the stream included.
    if (isNew > 0) this.#at = '0-0';
    const left = this.#client.ttl?.(this.#keys.snapshot(worker));
    const isLost = left !== undefined && (await this.#ending.answer(left)) === noSuchKey;
    if (isNew > 0 || isLost) this.#needsSnapshot = true;
  }

  /** Takes the operations of the next message. */
  #next(): KvOperation[] {
    const operations: KvOperation[] = [];
    let names = 0;
    while (this.#waiting.length > 0 && names < mostNames) {
      const operation = this.#waiting.shift()!;
      const [now, later] = split(operation, mostNames - names);
      operations.push(now);
      if (later) this.#waiting.unshift(later);
      names += namesIn(now);
    }
    this.#waitingNames -= names;
    return operations;
  }

  async #send(operations: readonly KvOperation[]): Promise<void> {
    this.#seq++;
    const text = JSON.stringify(this.#message(operations));
    const key = this.#keys.events(this.#options.worker);
    const id = await this.#ending.answer(
      this.#client.xadd(key, 'MAXLEN', '~', streamLength, '*', 'm', text),
    );
    if (id) this.#at = id;
    this.#sinceSnapshot++;
    this.#counters.messages++;
  }

  /** Writes all that is findable, then a message: a follower that has missed some finds the gap by it. */
  async #snapshot(): Promise<void> {
    this.#needsSnapshot = false;
    this.#snapshotAt = performance.now();
    this.#forgetWaiting(); // the list includes it
    const stored = Array.from(this.#cache.prefixes(), ({ name }) => name.slice(0, nameDigits));
    const message = { ...this.#message([{ stored }]), snapshot: true };
    const key = this.#keys.snapshot(this.#options.worker);
    await this.#ending.answer(this.#client.set(key, JSON.stringify({ at: this.#at, message })));
    this.#counters.snapshots++;
    await this.#send([]);
    this.#sinceSnapshot = 0;
  }

  #message(operations: readonly KvOperation[]): KvEventMessage {
    const { worker, namespace } = this.#options;
    const head = { worker, epoch: this.#epoch!, seq: this.#seq };
    return { version: 1, ...head, pageSize: this.#pageSize!, namespace, operations };
  }
}

const firstOf = <T>(list: Iterable<T>): T | undefined => {
  for (const first of list) return first;
  return undefined;
};

const namesIn = (operation: KvOperation): number => {
  if ('cleared' in operation) return 1;
  return 'stored' in operation ? operation.stored.length : operation.removed.length;
};

/** Returns the first names of an operation, and one with the others, if there are any. */
function split(operation: KvOperation, most: number): [now: KvOperation, later?: KvOperation] {
  if (namesIn(operation) <= most || 'cleared' in operation) return [operation];
  if ('stored' in operation) {
    const { stored } = operation;
    return [{ stored: stored.slice(0, most) }, { stored: stored.slice(most) }];
  }
  const { removed } = operation;
  return [{ removed: removed.slice(0, most) }, { removed: removed.slice(most) }];
}
