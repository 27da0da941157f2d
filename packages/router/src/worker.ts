import { type KvOperation, mostNames } from './event-message.ts';
import { addName, hasName, type IndexPlace, namesOf, removeName } from './prefix-index.ts';
import { refuse } from './refuse.ts';

/** What a worker measures of itself, about once a second. */
export interface WorkerLoad {
  /** Prompt tokens that wait or are being computed. */
  readonly queuedTokens: number;
  /** Sequences that generate. */
  readonly runningSequences: number;
  /** Prompt tokens that it computes per second, measured. */
  readonly tokensPerSecond: number;
  /** Pages of its cache that hold no sequence: free and cached ones. */
  readonly freePages: number;
  readonly pages: number;
}

/** What a worker announces beside its load. */
export interface WorkerDetails {
  /** Where requests go. */
  readonly url?: string;
  /** Workers with the same text give the same bits: adapter class and version, tuning, numSplits, page format, sampler. */
  readonly bits?: string;
}

/** A worker as `router.workers()` lists it. */
export interface WorkerStatus extends WorkerDetails {
  readonly worker: string;
  /** Undefined before its first message. */
  readonly epoch: number | undefined;
  /** Prefixes that it has told. */
  readonly entries: number;
  /** The last one that it told; undefined before. */
  readonly load: WorkerLoad | undefined;
  /** Milliseconds since then; 0 before. */
  readonly age: number;
  /** Messages were lost, so that `entries` is out of date until a snapshot comes. */
  readonly gap: boolean;
  /** A request failed there within the last second. */
  readonly suspect: boolean;
}

/** Where a request goes. Call `firstToken` and then `done`, or `failed`; each counts once. */
export interface Pick extends WorkerDetails {
  readonly worker: string;
  /** Tokens of the prompt that the worker should find in its cache. */
  readonly cachedTokens: number;
  /** Estimated time to the first token. */
  readonly estimateMs: number;
  /** The policy, and the figures that it went by. */
  readonly why: string;
  /** The prompt is computed: its tokens no longer count as queued. */
  firstToken(): void;
  /** The answer is complete. */
  done(): void;
  /** The worker did not answer: forgets what it was expected to have, and avoids it for a second. */
  failed(): void;
}

/** A request that was routed to a worker. */
export interface Routed {
  readonly at: number;
  /** Prompt tokens to compute; 0 from the first token on. */
  queued: number;
}

/** How long a worker is avoided after a failure. */
const suspectMs = 1000;

/** What the router knows of one worker. */
export class Worker {
  readonly name: string;
  details: WorkerDetails = {};
  epoch: number | undefined;
  seq = 0;
  isGapped = false;
  /** Where its names are. */
  readonly place: IndexPlace;
  /** How many names it has. */
  size = 0;
  /** Names of prompts that were routed there, which it is expected to tell soon. Oldest first. */
  readonly speculative: Map<string, Routed> = new Map();
  /** Those since the last load was told, which therefore does not include them. */
  readonly routed: Set<Routed> = new Set();
  load: WorkerLoad | undefined;
  loadedAt = 0;
  #suspectedAt: number | undefined;

  constructor(name: string, place: IndexPlace) {
    this.name = name;
    this.place = place;
  }

  /** Forgets all names. */
  clear(): void {
    if (this.size === 0) return;
    for (const name of namesOf(this.place)) removeName(this.place, name);
    this.size = 0;
  }

  suspect(now: number): void {
    this.#suspectedAt = now;
  }

  /** Whether a request failed within the last second. A clock that was set back ends it. */
  isSuspect(now: number): boolean {
    return this.#suspectedAt !== undefined && isWithin(now - this.#suspectedAt, suspectMs);
  }

  /** Carries out operations: all of them, or, if it would have too many entries, none. */
  carryOut(operations: readonly KvOperation[], isSnapshot: boolean): void {
    const most = operations.reduce(
      (sum, operation) => sum + ('stored' in operation ? operation.stored.length : 0),
      isSnapshot ? 0 : this.size,
    );
    if (
      most > mostNames &&
      wouldHave(isSnapshot ? [] : namesOf(this.place), operations) > mostNames
    ) {
      refuse(
        'router.apply',
        `a worker has at most ${mostNames} entries`,
        'more',
        'Use larger pages.',
      );
    }
    if (isSnapshot) this.clear();
    for (const operation of operations) {
      if ('stored' in operation) {
        for (const name of operation.stored) {
          if (addName(this.place, name)) this.size++;
          this.speculative.delete(name);
        }
      } else if ('removed' in operation) {
        for (const name of operation.removed) {
          if (removeName(this.place, name)) this.size--;
          this.speculative.delete(name);
        }
      } else {
        this.clear();
        this.speculative.clear();
      }
    }
  }

  /** Expects the pages from `start` on, and forgets what was expected too long ago. */
  expect(names: readonly string[], start: number, routed: Routed, speculativeMs: number): void {
    for (const [name, { at }] of this.speculative) {
      if (isWithin(routed.at - at, speculativeMs)) break;
      this.speculative.delete(name);
    }
    for (let i = start; i < names.length; i++) {
      const name = names[i]!;
      if (hasName(this.place, name)) continue;
      this.speculative.delete(name); // so that the map stays in the order of time
      this.speculative.set(name, routed);
    }
  }

  /** Whether a prompt with this page was routed there lately. */
  expects(name: string, now: number, speculativeMs: number): boolean {
    const routed = this.speculative.get(name);
    return routed !== undefined && isWithin(now - routed.at, speculativeMs);
  }

  /** Takes back what was expected of a request. */
  forget(routed: Routed): void {
    this.routed.delete(routed);
    for (const [name, by] of this.speculative) if (by === routed) this.speculative.delete(name);
  }
}

/** Whether an age is at most this. A clock that was set back makes ages negative, and these are over. */
const isWithin = (age: number, most: number): boolean => age >= 0 && age < most;

function wouldHave(names: readonly string[], operations: readonly KvOperation[]): number {
  const after = new Set(names);
  for (const operation of operations) {
    if ('cleared' in operation) after.clear();
    else if ('stored' in operation) for (const name of operation.stored) after.add(name);
    else for (const name of operation.removed) after.delete(name);
  }
  return after.size;
}
