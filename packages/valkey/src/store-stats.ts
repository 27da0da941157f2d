import type { Clock, Commands, Outcome } from './commands.ts';

/** Numbers of a store since it was made. */
export interface ValkeyStoreStats {
  /** Entries that were read, and their bytes. */
  readonly hits: number;
  readonly bytesRead: number;
  /** Entries that the server did not have. */
  readonly misses: number;
  /** Entries that were asked for and did not come in time, or not at all. */
  readonly late: number;
  /** Entries that were written, and their bytes. */
  readonly kept: number;
  readonly bytesWritten: number;
  /** Entries that the server refused to keep, and those of which no answer came. */
  readonly refused: number;
  readonly unanswered: number;
  /** Entries whose time was renewed. */
  readonly renewed: number;
  /** Milliseconds in which a read, or a write, was under way. `bytesRead / readMs` is a rate for `loadOrCompute`. */
  readonly readMs: number;
  readonly writeMs: number;
  /** `'open'`: calls fail at once. */
  readonly breaker: 'closed' | 'open';
  /** How often it has opened. */
  readonly breakerOpened: number;
  /** What is wrong with how the server evicts; undefined if nothing is, or if it does not tell. */
  readonly policy: string | undefined;
}

type Way = 'read' | 'write';

/** The counters behind {@link ValkeyStoreStats}. */
export class StoreCounters {
  renewed = 0;
  policy: string | undefined;
  readonly #clock: Clock;
  readonly #counts = { hits: 0, bytesRead: 0, misses: 0, late: 0 };
  readonly #puts = { kept: 0, bytesWritten: 0, refused: 0, unanswered: 0 };
  readonly #busy = { read: { now: 0, since: 0, ms: 0 }, write: { now: 0, since: 0, ms: 0 } };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins a read or a write. Returns the function that ends it. */
  begin(way: Way): () => void {
    const busy = this.#busy[way];
    if (busy.now++ === 0) busy.since = this.#clock.now();
    return () => {
      if (--busy.now === 0) busy.ms += Math.max(0, this.#clock.now() - busy.since);
    };
  }

  hit(bytes: number): void {
    this.#counts.hits++;
    this.#counts.bytesRead += bytes;
  }

  miss(is: Outcome<unknown>['is']): void {
    if (is === 'answer') this.#counts.misses++;
    else this.#counts.late++;
  }

  keep(bytes: number): void {
    this.#puts.kept++;
    this.#puts.bytesWritten += bytes;
  }

  refuse(is: Outcome<unknown>['is']): void {
    if (is === 'refusal') this.#puts.refused++;
    else this.#puts.unanswered++;
  }

  snapshot({ isOpen, opened }: Commands): ValkeyStoreStats {
    return {
      ...this.#counts,
      ...this.#puts,
      renewed: this.renewed,
      readMs: this.#busy.read.ms,
      writeMs: this.#busy.write.ms,
      breaker: isOpen ? 'open' : 'closed',
      breakerOpened: opened,
      policy: this.policy,
    };
  }
}

/** Returns what is wrong with a server's eviction, from its INFO. */
export function policyWarning(info: string): string | undefined {
  const policy = info.match(/^maxmemory_policy:(\S+)/m)?.[1];
  const memory = info.match(/^maxmemory:(\d+)/m)?.[1];
  const advice =
    'Set maxmemory, and maxmemory-policy to volatile-lfu: pages expire, so they are evicted, and control keys are not.';
  if (memory === '0')
    return `The server has no maxmemory, so it grows until the machine is full. ${advice}`;
  if (policy === undefined || policy === 'volatile-lfu') return undefined;
  if (policy === 'noeviction')
    return `maxmemory-policy is noeviction, so a full server refuses pages. ${advice}`;
  if (policy.startsWith('allkeys'))
    return `maxmemory-policy is ${policy}, which also evicts control keys. ${advice}`;
  return `maxmemory-policy is ${policy}, which drops pages that are in use. ${advice}`;
}
