import type { KvOperation } from '@heed/router';
import TinyQueue from 'tinyqueue';
import type { CostModel } from '../cost/constants.ts';
import type { Trace, TraceRequest } from '../trace/trace.ts';
import type { Choice, Dispatcher } from './dispatcher.ts';
import { StoreTier } from './store-tier.ts';
import { type Work, Worker } from './worker.ts';
import type { PrefixListener } from './worker-cache.ts';

/** Something that goes wrong at a time. */
export type Fault =
  /** A worker is lost with its pages, and a new one starts in its place after `seconds`. */
  | {
      readonly at: number;
      readonly kind: 'worker';
      readonly worker: number;
      readonly seconds: number;
    }
  /** The store is away for `seconds`, and empty then. */
  | { readonly at: number; readonly kind: 'store'; readonly seconds: number };

export interface CellOptions {
  readonly workers: number;
  /** Tokens that a worker's pages hold. */
  readonly workerTokens: number;
  /** Tokens that the store holds; 0 for none. */
  readonly storeTokens: number;
  readonly costs: CostModel;
  readonly dispatcher: Dispatcher;
  readonly faults?: readonly Fault[];
  /** The worker's rate as it reports it, as a multiple of the measured one. Default: 1. */
  readonly rateError?: (worker: number) => number;
}

/** What happened to a request. */
export interface Outcome {
  readonly request: TraceRequest;
  readonly worker: number;
  /** Seconds from arrival to the first token, and to the last. */
  readonly firstToken: number;
  readonly lastToken: number;
  readonly cachedTokens: number;
  readonly loadedTokens: number;
  readonly computedTokens: number;
  /** How often it began anew at another worker. */
  readonly retries: number;
}

export interface CellRun {
  readonly outcomes: readonly Outcome[];
  /** Requests for which no worker was alive, or that failed three times. */
  readonly refused: number;
  readonly seconds: number;
  /** Operations told by all workers. */
  readonly events: number;
  readonly loadedBytes: number;
  readonly savedBytes: number;
}

interface Event {
  readonly at: number;
  /** Events of one time run in the order in which they were scheduled. */
  readonly order: number;
  readonly run: (now: number) => void;
}

/** Hexadecimal digits of a name in a message. */
const cut = (name: string): string => name.slice(0, 32);

/** As a client of several workers retries: from the start, at another worker. */
const MOST_RETRIES = 2;

/** Serves a trace by a cell of workers. The same trace and options give the same run. */
export function runCell(trace: Trace, options: CellOptions): CellRun {
  return new Cell(trace, options).run();
}

interface Attempt {
  readonly request: TraceRequest;
  readonly choice: Choice;
  readonly retries: number;
  firstToken: number | undefined;
}

class Cell {
  readonly #trace: Trace;
  readonly #options: CellOptions;
  readonly #queue = new TinyQueue<Event>([], (a, b) => a.at - b.at || a.order - b.order);
  readonly #store: StoreTier | undefined;
  readonly #workers: (Worker | undefined)[] = [];
  /** Requests at each worker, so that they are retried when it is lost. */
  readonly #attempts: Set<Attempt>[] = [];
  readonly #outcomes: Outcome[] = [];
  #order = 0;
  #refused = 0;
  #events = 0;
  #now = 0;

  constructor(trace: Trace, options: CellOptions) {
    this.#trace = trace;
    this.#options = options;
    const { storeTokens, costs } = options;
    if (storeTokens > 0) this.#store = new StoreTier(storeTokens, trace.blockTokens, costs);
  }

  run(): CellRun {
    const { workers, faults = [] } = this.#options;
    for (let i = 0; i < workers; i++) this.#startWorker(i, 0);
    for (const request of this.#trace.requests) {
      this.#schedule(request.at, (now) => this.#dispatch(request, 0, [], now));
    }
    for (const fault of faults) this.#schedule(fault.at, (now) => this.#fail(fault, now));
    const last = this.#trace.requests.at(-1)?.at ?? 0;
    const { heartbeatSeconds } = this.#options.costs;
    for (let at = 0; at <= last; at += heartbeatSeconds) {
      this.#schedule(at, () => this.#workers.forEach((one, i) => one && this.#tellLoad(one, i)));
    }
    for (let event = this.#queue.pop(); event; event = this.#queue.pop()) {
      this.#now = event.at;
      event.run(event.at);
    }
    return {
      outcomes: this.#outcomes,
      refused: this.#refused,
      seconds: this.#now,
      events: this.#events,
      loadedBytes: this.#store?.loadedBytes ?? 0,
      savedBytes: this.#store?.savedBytes ?? 0,
    };
  }

  readonly #schedule = (at: number, run: (now: number) => void): void => {
    this.#queue.push({ at, order: this.#order++, run });
  };

  #startWorker(index: number, now: number): void {
    const { workerTokens, costs, dispatcher } = this.#options;
    const { blockTokens } = this.#trace;
    this.#attempts[index] = new Set();
    dispatcher.join(index, now);
    const worker = new Worker({
      blocks: Math.floor(workerTokens / blockTokens),
      blockTokens,
      costs,
      store: this.#store,
      listener: this.#publisher(index),
      schedule: this.#schedule,
    });
    this.#workers[index] = worker;
    this.#tellLoad(worker, index);
  }

  /** Gathers what a worker's cache tells, and sends it after a while as a message. */
  #publisher(index: number): PrefixListener {
    let operations: KvOperation[] = [];
    const publish = (operation: KvOperation): void => {
      this.#events++;
      if (operations.push(operation) > 1) return;
      const worker = this.#workers[index];
      this.#schedule(this.#now + this.#options.costs.eventSeconds, (later) => {
        // What a lost worker had not sent is lost with it.
        if (this.#workers[index] === worker) {
          this.#options.dispatcher.tell(index, operations, later);
        }
        operations = [];
      });
    };
    return {
      stored: (name) => publish({ stored: [cut(name)] }),
      removed: (name) => publish({ removed: [cut(name)] }),
    };
  }

  #tellLoad(worker: Worker, index: number): void {
    const { dispatcher, rateError = () => 1 } = this.#options;
    const load = worker.load();
    const tokensPerSecond = load.tokensPerSecond * rateError(index);
    dispatcher.load(index, { ...load, tokensPerSecond }, this.#now);
  }

  #dispatch(request: TraceRequest, retries: number, exclude: readonly number[], now: number): void {
    const { dispatcher, costs } = this.#options;
    const choice = dispatcher.choose(request, exclude, now);
    const worker = choice && this.#workers[choice.worker];
    if (!choice || !worker) {
      this.#refused++;
      return;
    }
    const attempt: Attempt = { request, choice, retries, firstToken: undefined };
    const attempts = this.#attempts[choice.worker]!;
    attempts.add(attempt);
    this.#schedule(now + costs.hopSeconds, (later) => {
      if (!attempts.has(attempt)) return;
      worker.accept(
        {
          request,
          onFirstToken: (at) => {
            attempt.firstToken = at + costs.hopSeconds;
            choice.firstToken(at);
          },
          onDone: (at, work) => {
            attempts.delete(attempt);
            choice.done(at);
            this.#keep(attempt, at + costs.hopSeconds, work);
          },
        },
        later,
      );
    });
  }

  #keep(
    { request, choice, retries, firstToken }: Attempt,
    lastToken: number,
    { cached, loaded, computed }: Work,
  ): void {
    this.#outcomes.push({
      request,
      worker: choice.worker,
      firstToken: firstToken! - request.at,
      lastToken: lastToken - request.at,
      cachedTokens: cached,
      loadedTokens: loaded,
      computedTokens: computed,
      retries,
    });
  }

  #fail(fault: Fault, now: number): void {
    if (fault.kind === 'store') {
      if (!this.#store) return;
      this.#store.isDown = true;
      this.#store.clear();
      this.#schedule(now + fault.seconds, () => (this.#store!.isDown = false));
      return;
    }
    const { worker: index, seconds } = fault;
    this.#workers[index]?.kill();
    this.#workers[index] = undefined;
    this.#options.dispatcher.leave(index, now);
    this.#schedule(now + seconds, (later) => this.#startWorker(index, later));
    const lost = [...this.#attempts[index]!];
    this.#attempts[index]!.clear();
    for (const { request, choice, retries } of lost) {
      choice.failed(now);
      if (retries < MOST_RETRIES) this.#dispatch(request, retries + 1, [index], now);
      else this.#refused++;
    }
  }
}
