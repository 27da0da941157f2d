import { type KvEventMessage, nameDigits, parseMessage } from './event-message.ts';
import type { Candidate } from './policies.ts';
import { PrefixIndex, runsOf } from './prefix-index.ts';
import { checkName, refuse } from './refuse.ts';
import {
  checkDetails,
  checkLoad,
  checkRoute,
  checkRouter,
  type RouteOptions,
  type RouterOptions,
} from './router-options.ts';
import {
  type Pick,
  type Routed,
  Worker,
  type WorkerDetails,
  type WorkerLoad,
  type WorkerStatus,
} from './worker.ts';

/** Knows which worker has which prefixes and how busy it is, and says where a prompt should go. */
export interface Router {
  /**
   * Takes a worker's message. Returns 'gap' if messages before it are missing, or if its worker has started anew: until a snapshot
   * comes, the router goes on with what it knew. What it has had before, or from an earlier start, changes nothing.
   *
   * @throws ValidationError no message, or one of another page size or namespace; nothing has changed
   */
  apply(message: KvEventMessage): 'ok' | 'gap';
  /** Forgets a worker. */
  drop(worker: string): void;
  /** Takes a worker's measurements: from now on it may be chosen. @throws ValidationError numbers that are none */
  load(worker: string, load: WorkerLoad, details?: WorkerDetails): void;
  /** Lists the workers, in the order in which they came. */
  workers(): WorkerStatus[];
  /**
   * Returns the worker for a prompt; undefined if none is alive. Its pages are expected there for `speculativeMs`.
   *
   * @param names as `prefixNames(tokens, { pageSize, salt })` of `@heed/kvcache/names` returns them
   * @throws ValidationError names or options out of range
   */
  route(names: readonly string[], options: RouteOptions): Pick | undefined;
}

/** The rate of a worker that has told none, where no other has. */
const unknownRate = 1000;

/**
 * Returns a router without workers. It has no engine and no connection: `followKvEvents` of `@heed/valkey` feeds it, or your own
 * transport. Routers need not agree with one another, since a stale index costs a prefill and never a wrong answer.
 *
 * Source: the precise and speculative prefix routing of llm-d and NVIDIA Dynamo.
 *
 * @throws ValidationError options out of range
 *
 * @example
 * const router = createRouter({ pageSize: 16 });
 * router.load('a', { queuedTokens: 0, runningSequences: 0, tokensPerSecond: 2000, freePages: 900, pages: 1000 });
 * const pick = router.route(prefixNames(prompt, { pageSize: 16 }), { length: prompt.length });
 * pick?.firstToken(); // as soon as the worker sends one
 * pick?.done();
 */
export function createRouter(options: RouterOptions): Router {
  const { pageSize, namespace, policy, speculativeMs, now, random } = checkRouter(options);
  const workers = new Map<string, Worker>();
  const index = new PrefixIndex();

  const workerOf = (name: string): Worker => {
    const known = workers.get(name) ?? new Worker(name, index.take());
    workers.set(name, known);
    return known;
  };

  /** The rate for workers without one of their own. */
  const meanRate = (): number => {
    const rates = [...workers.values()].flatMap(({ load }) => load?.tokensPerSecond || []);
    if (rates.length === 0) return unknownRate;
    return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  };

  const candidateOf = (
    worker: Worker,
    found: number,
    length: number,
    rate: number,
    at: number,
  ): Candidate => {
    const { load, loadedAt, routed } = worker;
    const tokensPerSecond = load?.tokensPerSecond || rate;
    const told = load
      ? load.queuedTokens - (tokensPerSecond * Math.max(0, at - loadedAt)) / 1000
      : 0;
    let queuedTokens = Math.max(0, told);
    for (const { queued } of routed) queuedTokens += queued;
    // `open` finds at most all tokens but one.
    const most = Math.floor((length - 1) / pageSize);
    const pages = Math.min(most, found);
    const uncachedTokens = length - pages * pageSize;
    return {
      ...worker.details,
      worker: worker.name,
      cachedTokens: pages * pageSize,
      uncachedTokens,
      queuedTokens,
      runningSequences: (load?.runningSequences ?? 0) + routed.size,
      tokensPerSecond,
      freePages: load?.freePages ?? 0,
      pages: load?.pages ?? 0,
      estimateMs: (1000 * (queuedTokens + uncachedTokens)) / tokensPerSecond,
    };
  };

  return {
    apply(given) {
      const fn = 'router.apply';
      const message = parseMessage(given);
      if (message.pageSize !== pageSize || message.namespace !== namespace) {
        const rule = `a message must have pageSize ${pageSize} and namespace '${namespace}'`;
        const got = `${message.pageSize} and '${message.namespace}'`;
        refuse(fn, rule, got, 'Use a router for each kind of worker.');
      }
      return applyTo(workerOf(message.worker), message);
    },

    drop(name) {
      checkName('router.drop', 'worker', name);
      const worker = workers.get(name);
      if (!worker) return;
      workers.delete(name);
      worker.clear();
      index.release(worker.place);
    },

    load(worker, load, details = {}) {
      checkName('router.load', 'worker', worker);
      const [checked, announced] = [checkLoad(load), checkDetails(details)];
      const known = workerOf(worker);
      known.load = checked;
      known.loadedAt = now();
      known.routed.clear();
      known.details = { ...known.details, ...announced };
    },

    workers() {
      const at = now();
      return Array.from(workers.values(), (worker) => ({
        ...worker.details,
        worker: worker.name,
        epoch: worker.epoch,
        entries: worker.size,
        load: worker.load,
        age: worker.load ? Math.max(0, at - worker.loadedAt) : 0,
        gap: worker.isGapped,
        suspect: worker.isSuspect(at),
      }));
    },

    route(given, routing) {
      checkRoute(given, routing);
      const { length, exclude = [], bits } = routing;
      const names = given.map((name) => shortName(name));
      const at = now();
      const allowed = [...workers.values()].filter(
        ({ name, details }) =>
          !exclude.includes(name) && (bits === undefined || details.bits === bits),
      );
      const sound = allowed.filter((worker) => !worker.isSuspect(at));
      const asked = sound.length > 0 ? sound : allowed;
      if (asked.length === 0) return undefined;
      const rate = meanRate();
      const expects = (worker: Worker, name: string): boolean =>
        worker.expects(name, at, speculativeMs);
      const runs = runsOf(asked, names, expects);
      const candidates = asked.map((worker) =>
        candidateOf(worker, runs.get(worker)!, length, rate, at),
      );
      const chosen = policy.choose(candidates, { names, length, pageSize, random });
      const worker = workers.get(chosen?.worker);
      if (!worker || !candidates.includes(chosen)) {
        const fix = 'Return one of the candidates.';
        refuse('router.route', `${policy.name} must choose a candidate`, chosen, fix);
      }
      const { cachedTokens, estimateMs, uncachedTokens, queuedTokens } = chosen;
      const routed: Routed = { at, queued: uncachedTokens };
      let isOver = false;
      worker.routed.add(routed);
      worker.expect(names, cachedTokens / pageSize, routed, speculativeMs);
      return {
        ...worker.details,
        worker: worker.name,
        cachedTokens,
        estimateMs,
        why:
          `${policy.name}: ${cachedTokens} of ${length} tokens cached, ${Math.round(queuedTokens)} queued, ` +
          `one of ${candidates.length}${sound.length > 0 ? '' : ', all suspect'}`,
        firstToken: () => {
          routed.queued = 0;
        },
        done: () => {
          isOver = true;
          worker.routed.delete(routed);
        },
        failed: () => {
          if (isOver) return;
          isOver = true;
          worker.forget(routed);
          worker.suspect(now());
        },
      };
    },
  };
}

/** Takes a message in its order. */
function applyTo(worker: Worker, message: KvEventMessage): 'ok' | 'gap' {
  const { epoch, seq, snapshot = false, operations } = message;
  const known = worker.epoch ?? -1;
  const isAnew = worker.epoch !== undefined && epoch > worker.epoch;
  const isStale = epoch < known || (epoch === known && seq <= worker.seq && !worker.isGapped);
  // Behind a gap, an older snapshot helps, if the messages behind it follow.
  const isOld = epoch < known || (epoch === known && seq < worker.seq && !worker.isGapped);
  if (snapshot ? isOld : isStale) return worker.isGapped ? 'gap' : 'ok';
  if (snapshot) {
    worker.carryOut(operations, true);
    if (isAnew) worker.speculative.clear();
    worker.isGapped = false;
  } else {
    if (epoch > known) {
      // What the worker had is gone with its former start.
      worker.clear();
      if (isAnew) worker.speculative.clear();
      worker.seq = 0;
      worker.epoch = epoch;
      worker.isGapped = true;
    }
    if (worker.isGapped || seq !== worker.seq + 1) {
      worker.isGapped = true;
      return 'gap';
    }
    worker.carryOut(operations, false);
  }
  worker.epoch = epoch;
  worker.seq = seq;
  return 'ok';
}

function shortName(name: unknown): string {
  if (typeof name === 'string' && name.length >= nameDigits) return name.slice(0, nameDigits);
  const fix = 'Pass prefixNames(tokens, { pageSize, salt }).';
  return refuse('router.route', `a name must have ${nameDigits} digits or more`, name, fix);
}
