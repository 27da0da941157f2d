import { prefixNames } from '@heed/kvcache/bookkeeping';
import {
  boundedHash,
  createRouter,
  type KvOperation,
  leastLoaded,
  leastTtft,
  type Pick,
  type Policy,
  type WorkerLoad,
} from '@heed/router';
import { Rng } from '@heed/testing/rng';
import type { TraceRequest } from '../trace/trace.ts';

/** The worker chosen for a request, and what is told of it afterwards. */
export interface Choice {
  readonly worker: number;
  firstToken(now: number): void;
  done(now: number): void;
  failed(now: number): void;
}

/** Chooses workers for requests, from what it is told of them. Times are seconds. */
export interface Dispatcher {
  readonly name: string;
  /** A worker starts, without pages. */
  join(worker: number, now: number): void;
  leave(worker: number, now: number): void;
  /** A worker's prefixes have changed. */
  tell(worker: number, operations: readonly KvOperation[], now: number): void;
  load(worker: number, load: WorkerLoad, now: number): void;
  choose(request: TraceRequest, exclude: readonly number[], now: number): Choice | undefined;
}

const nothing = (): void => {};

/** Takes the workers in turn, whatever they have. */
export function roundRobin(): Dispatcher {
  const alive = new Set<number>();
  let turn = 0;
  return {
    name: 'round robin',
    join: (worker) => void alive.add(worker),
    leave: (worker) => void alive.delete(worker),
    tell: nothing,
    load: nothing,
    choose: (_, exclude) => {
      const workers = [...alive].filter((worker) => !exclude.includes(worker));
      if (workers.length === 0) return undefined;
      const worker = workers[turn++ % workers.length]!;
      return { worker, firstToken: nothing, done: nothing, failed: nothing };
    },
  };
}

export type PolicyName = 'leastLoaded' | 'boundedHash' | 'leastTtft';

const policies: Readonly<Record<PolicyName, Policy>> = { leastLoaded, boundedHash, leastTtft };

/** heed's router under a policy, fed with the messages that a worker publishes. */
export function routed(policy: PolicyName, blockTokens: number): Dispatcher {
  let seconds = 0;
  const rng = new Rng(1);
  const router = createRouter({
    pageSize: blockTokens,
    policy: policies[policy],
    now: () => 1000 * seconds,
    random: () => rng.next(),
  });
  const heads = new Map<number, { epoch: number; seq: number }>();
  let epoch = 0;
  const at = (now: number): void => void (seconds = now);

  const apply = (worker: number, operations: readonly KvOperation[], snapshot: boolean): void => {
    const head = heads.get(worker)!;
    const message = { version: 1, worker: String(worker), pageSize: blockTokens } as const;
    const { seq } = head;
    router.apply({ ...message, namespace: '', epoch: head.epoch, seq, snapshot, operations });
  };

  return {
    name: policy,
    join: (worker, now) => {
      at(now);
      heads.set(worker, { epoch: ++epoch, seq: 0 });
      apply(worker, [], true);
    },
    leave: (worker, now) => {
      at(now);
      heads.delete(worker);
      router.drop(String(worker));
    },
    tell: (worker, operations, now) => {
      const head = heads.get(worker);
      if (!head) return;
      at(now);
      head.seq++;
      apply(worker, operations, false);
    },
    load: (worker, load, now) => {
      at(now);
      router.load(String(worker), load);
    },
    choose: ({ blocks, inputTokens }, exclude, now) => {
      at(now);
      // A page of the ledger is a block of the trace, named by its number.
      const names = prefixNames(blocks, { pageSize: 1 });
      const pick = router.route(names, { length: inputTokens, exclude: exclude.map(String) });
      return pick && choiceOf(pick, at);
    },
  };
}

function choiceOf(pick: Pick, at: (now: number) => void): Choice {
  const told =
    (what: 'firstToken' | 'done' | 'failed') =>
    (now: number): void => {
      at(now);
      pick[what]();
    };
  return {
    worker: Number(pick.worker),
    firstToken: told('firstToken'),
    done: told('done'),
    failed: told('failed'),
  };
}
