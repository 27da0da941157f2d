import type { KvEventMessage, Router, WorkerLoad } from '@heed/router';
import {
  type CellKeys,
  cellKeys,
  EventCounters,
  type EventStats,
  type Heartbeat,
  heartbeatMs,
  parsed,
  snapshotOf,
} from './cell-keys.ts';
import { ownConnection, type OwnClient, type StreamEntry, type ValkeyClient } from './client.ts';
import { Ending } from './ending.ts';
import { checkClient, checkNames, refuse } from './valkey-errors.ts';

/** Options of `followKvEvents`. */
export interface FollowOptions {
  /** The group of workers to choose from. */
  readonly cell: string;
  /** On abort, it ends. */
  readonly signal?: AbortSignal;
}

export const followNames: { readonly [K in keyof Required<FollowOptions>]: 1 } = {
  cell: 1,
  signal: 1,
};

/** What is called of a router. */
export type EventSink = Pick<Router, 'apply' | 'drop' | 'load'>;

const pollMs = 500;
const retryMs = 100;
/** Between snapshots of one worker: the next message may be missing until the worker writes another. */
const startMs = 400;
const blockMs = 250;
/** Messages of each stream per read. */
const mostMessages = 64;
/** A worker whose heartbeat has been missing for so long is not coming back: its keys are removed. */
const forgetMs = 600_000;

/** What is known of a worker's messages. */
interface Following {
  /** Id of the last entry that was read. */
  at: string;
  epoch: number;
  seq: number;
  needsSnapshot: boolean;
  /** When it last had a snapshot. */
  startedAt: number;
  /** Its heartbeat said so at the last look. */
  isBehind: boolean;
  /** When the set of workers was first without it. */
  goneSince: number | undefined;
}

/**
 * Feeds a router with the workers of a cell, until it is disposed of: loads from heartbeats, prefixes from streams, and a snapshot
 * first and behind each gap. A worker whose heartbeat has expired is dropped; while the server does not answer, the router goes on
 * with what it knew. It has two connections of its own.
 *
 * @throws ValidationError options out of range; a client that lacks a function
 *
 * @example
 * const following = followKvEvents(client, router, { cell: 'eu-1' });
 */
export function followKvEvents(
  client: ValkeyClient,
  router: EventSink,
  options: FollowOptions,
): AsyncDisposable & { readonly stats: EventStats } {
  const fn = 'followKvEvents';
  checkClient(fn, client);
  checkNames(fn, options, followNames);
  const { cell, signal } = options;
  const keys = cellKeys(fn, cell);
  if (typeof router?.apply !== 'function' || typeof router.load !== 'function') {
    refuse(fn, 'router must be a Router', router, 'Pass what createRouter returned.');
  }
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
    refuse(fn, 'signal must be an AbortSignal', signal, 'Pass controller.signal.');
  }
  signal?.throwIfAborted();
  const follower = new Follower(router, keys, ownConnection(client), ownConnection(client));
  signal?.addEventListener('abort', () => void follower[Symbol.asyncDispose](), { once: true });
  return follower;
}

class Follower implements AsyncDisposable {
  readonly #router: EventSink;
  readonly #keys: CellKeys;
  /** For commands that block, and for all others. */
  readonly #reader: OwnClient;
  readonly #control: OwnClient;
  readonly #counters = new EventCounters();
  readonly #workers = new Map<string, Following>();
  /** Since when a member of the set has had no heartbeat. */
  readonly #silent = new Map<string, number>();
  readonly #ended: Promise<unknown>;
  readonly #ending = new Ending();

  constructor(router: EventSink, keys: CellKeys, reader: OwnClient, control: OwnClient) {
    this.#router = router;
    this.#keys = keys;
    this.#reader = reader;
    this.#control = control;
    this.#ended = Promise.all([
      this.#repeat(pollMs, () => this.#poll()),
      this.#repeat(0, () => this.#read()),
    ]);
  }

  get stats(): EventStats {
    return this.#counters.stats();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.end();
    for (const client of [this.#reader, this.#control]) client.disconnect();
    await this.#ended;
  }

  async #repeat(ms: number, work: () => Promise<void>): Promise<void> {
    while (!this.#ending.isOver) {
      try {
        await work();
        if (ms > 0) await this.#ending.sleep(ms).done;
      } catch (error) {
        if (this.#ending.isOver) return;
        this.#counters.failed(error);
        await this.#ending.sleep(retryMs).done;
      }
    }
  }

  /** Looks which workers there are. */
  async #poll(): Promise<void> {
    const members = await this.#ending.answer(this.#control.smembers(this.#keys.workers));
    const beats = await this.#ending.answer(
      Promise.all(members.map((worker) => this.#control.getBuffer(this.#keys.heartbeat(worker)))),
    );
    const now = performance.now();
    for (const [i, worker] of members.entries()) {
      const beat = parsed(beats[i]) as Heartbeat | undefined;
      if (beat) {
        this.#silent.delete(worker);
        this.#took(worker, beat);
      } else {
        this.#drop(worker);
        await this.#tidy(worker, now);
      }
    }
    const present = new Set(members);
    for (const [worker, following] of this.#workers) {
      if (present.has(worker)) {
        following.goneSince = undefined;
        continue;
      }
      // A server that has started anew has no set yet: workers enter it with their next heartbeats.
      following.goneSince ??= now;
      if (now - following.goneSince >= heartbeatMs) this.#drop(worker);
    }
    for (const worker of this.#silent.keys()) if (!present.has(worker)) this.#silent.delete(worker);
  }

  #took(worker: string, beat: Heartbeat): void {
    const { url, bits, load, epoch, seq } = beat;
    try {
      const details = { url, ...(bits !== undefined && { bits }) };
      this.#router.load(worker, load as WorkerLoad, details);
    } catch (error) {
      this.#counters.failed(error);
      return;
    }
    const following = this.#workers.get(worker);
    if (!following) {
      this.#workers.set(worker, {
        at: '0-0',
        epoch: -1,
        seq: -1,
        needsSnapshot: true,
        startedAt: -Infinity,
        isBehind: false,
        goneSince: undefined,
      });
      return;
    }
    // Twice in a row, nothing came of what it has told: its stream was lost, for example.
    const isBehind = epoch > following.epoch || (epoch === following.epoch && seq > following.seq);
    if (isBehind && following.isBehind) following.needsSnapshot = true;
    following.isBehind = isBehind;
  }

  #drop(worker: string): void {
    if (this.#workers.delete(worker)) this.#router.drop(worker);
  }

  /** Removes the keys of a worker that has been silent for long. */
  async #tidy(worker: string, now: number): Promise<void> {
    const since = this.#silent.get(worker) ?? now;
    this.#silent.set(worker, since);
    if (now - since < forgetMs) return;
    this.#silent.delete(worker);
    await this.#ending.answer(this.#control.srem(this.#keys.workers, worker));
    for (const key of [this.#keys.snapshot(worker), this.#keys.events(worker)]) {
      await this.#ending.answer(this.#control.unlink(key));
    }
  }

  /** Reads what the workers have told. */
  async #read(): Promise<void> {
    for (const [worker, following] of this.#workers) {
      const isDue = performance.now() - following.startedAt >= startMs;
      if (following.needsSnapshot && isDue) await this.#startAnew(worker, following);
    }
    const workers = [...this.#workers].filter(([, { needsSnapshot }]) => !needsSnapshot);
    if (workers.length === 0) {
      await this.#ending.sleep(retryMs).done;
      return;
    }
    const keys = workers.map(([worker]) => this.#keys.events(worker));
    const ids = workers.map(([, { at }]) => at);
    // A worker that has no snapshot is asked for again soon.
    const wait = workers.length < this.#workers.size ? retryMs : blockMs;
    const streams = await this.#ending.answer(
      this.#reader.xread('COUNT', mostMessages, 'BLOCK', wait, 'STREAMS', ...keys, ...ids),
    );
    for (const [key, entries] of streams ?? []) {
      const found = workers[keys.indexOf(key)];
      if (found && this.#workers.get(found[0]) === found[1]) this.#take(...found, entries);
    }
  }

  #take(worker: string, following: Following, entries: readonly StreamEntry[]): void {
    for (const [id, fields] of entries) {
      following.at = id;
      const message = parsed(fields[fields.indexOf('m') + 1]) as KvEventMessage | undefined;
      if (this.#apply(worker, following, message) !== 'gap') continue;
      following.needsSnapshot = true;
      return;
    }
  }

  /** Applies a message, if it is the worker's own: no other's entries are its affair. */
  #apply(
    worker: string,
    following: Following,
    message: KvEventMessage | undefined,
  ): 'ok' | 'gap' | undefined {
    try {
      if (message?.worker !== worker) throw new Error(`a message of ${worker} is not its own`);
      const result = this.#router.apply(message);
      if (result === 'ok') {
        this.#counters.messages++;
        const isNewer = message.epoch > following.epoch;
        if (isNewer || (message.epoch === following.epoch && message.seq > following.seq)) {
          following.epoch = message.epoch;
          following.seq = message.seq;
        }
      }
      return result;
    } catch (error) {
      this.#counters.failed(error);
      return undefined;
    }
  }

  /** Takes a worker's snapshot, and goes on behind it. */
  async #startAnew(worker: string, following: Following): Promise<void> {
    const snapshot = snapshotOf(
      await this.#ending.answer(this.#control.getBuffer(this.#keys.snapshot(worker))),
    );
    if (!snapshot) return; // it has not written one yet
    const result = this.#apply(worker, following, snapshot.message as KvEventMessage);
    if (result !== 'ok') return;
    following.startedAt = performance.now();
    this.#counters.snapshots++;
    following.at = snapshot.at;
    following.needsSnapshot = false;
    following.isBehind = false;
  }
}
