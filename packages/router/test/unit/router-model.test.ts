import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  createRouter,
  type KvEventMessage,
  type KvOperation,
  type Router,
} from '../../src/index.ts';

const nameOf = (page: number): string => page.toString(16).padStart(32, '0');
const pagesInAll = 12;

/** A worker's cache, and the messages that it would write. */
class ToyWorker {
  readonly name: string;
  epoch = 0;
  seq = 0;
  isAlive = false;
  held = new Set<number>();

  constructor(name: string) {
    this.name = name;
  }

  message(operations: readonly KvOperation[], snapshot = false): KvEventMessage {
    const { name: worker, epoch, seq } = this;
    const rest = { pageSize: 4, namespace: 'm', operations, ...(snapshot && { snapshot }) };
    return { version: 1, worker, epoch, seq, ...rest };
  }

  start(): KvEventMessage {
    this.epoch++;
    this.seq = 0;
    this.isAlive = true;
    this.held.clear();
    return this.message([], true);
  }

  tell(operations: readonly KvOperation[]): KvEventMessage {
    this.seq++;
    return this.message(operations);
  }

  change(pages: readonly number[]): KvEventMessage {
    const removed = pages.filter((page) => this.held.has(page));
    const stored = pages.filter((page) => !this.held.has(page));
    for (const page of removed) this.held.delete(page);
    for (const page of stored) this.held.add(page);
    return this.tell([{ removed: removed.map(nameOf) }, { stored: stored.map(nameOf) }]);
  }

  clear(): KvEventMessage {
    this.held.clear();
    return this.tell([{ cleared: true }]);
  }

  snapshot(): KvEventMessage {
    return this.message([{ stored: [...this.held].map(nameOf) }], true);
  }
}

/** Which pages the router believes that a worker has: those by which a prompt of that one page finds it. */
function believed(router: Router, worker: string, others: readonly string[]): number[] {
  const pages = Array.from({ length: pagesInAll }, (_, page) => page);
  return pages.filter((page) => {
    const pick = router.route([nameOf(page)], { length: 5, exclude: others });
    return pick?.worker === worker && pick.cachedTokens === 4;
  });
}

type Step =
  | { readonly do: 'change'; readonly worker: number; readonly pages: readonly number[] }
  | { readonly do: 'clear' | 'snapshot' | 'restart' | 'die'; readonly worker: number }
  /** Delivers all that is under way, in order. */
  | { readonly do: 'flush' }
  /** Takes a message that is under way, by its place: `again` leaves it there, `lose` does not deliver it. */
  | { readonly do: 'deliver' | 'again' | 'lose'; readonly at: number };

const worker = fc.nat(2);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ do: 'flush' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      worker,
      pages: fc.uniqueArray(fc.nat(pagesInAll - 1), { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'clear' as const,
        'snapshot' as const,
        'restart' as const,
        'die' as const,
      ),
      worker,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'deliver' as const,
        'deliver' as const,
        'again' as const,
        'lose' as const,
      ),
      at: fc.nat(30),
    }),
  },
);

const anySteps = fc.array(anyStep, { maxLength: 60, size: 'max' });

/** Runs steps. Nothing is delivered in order unless the steps do so; of a dead worker, nothing is. */
function run(steps: readonly Step[]): {
  router: Router;
  workers: ToyWorker[];
  sent: KvEventMessage[];
} {
  const router = createRouter({ pageSize: 4, namespace: 'm', speculativeMs: 0, random: () => 0 });
  const workers = ['a', 'b', 'c'].map((name) => new ToyWorker(name));
  let sent: KvEventMessage[] = [];
  for (const step of steps) {
    if ('worker' in step) {
      const one = workers[step.worker]!;
      if (step.do === 'restart') sent.push(one.start());
      else if (!one.isAlive) continue;
      else if (step.do === 'change') sent.push(one.change(step.pages));
      else if (step.do === 'clear') sent.push(one.clear());
      else if (step.do === 'snapshot') sent.push(one.snapshot());
      else {
        one.isAlive = false;
        router.drop(one.name);
        sent = sent.filter(({ worker: by }) => by !== one.name);
      }
    } else if (step.do === 'flush') {
      for (const message of sent) router.apply(message);
      sent = [];
    } else if (sent.length > 0) {
      const at = step.at % sent.length;
      const message = sent[at]!;
      if (step.do !== 'again') sent = sent.toSpliced(at, 1);
      if (step.do !== 'lose') router.apply(message);
    }
  }
  return { router, workers, sent };
}

it('after any loss, repetition, disorder and restart, the index is that of the last message, or there is a gap', () => {
  const seen = { right: 0, gap: 0 };
  fc.assert(
    fc.property(anySteps, (steps) => {
      const { router, workers } = run(steps);
      const known = router.workers();
      for (const { name, isAlive } of workers) {
        if (!isAlive) expect(known.map((one) => one.worker)).not.toContain(name);
      }
      for (const { worker: name, epoch, gap } of known) {
        const toy = workers.find((one) => one.name === name)!;
        // The next message of the worker tells whether one is missing.
        const answer = router.apply(toy.change([0]));
        const others = workers.map((one) => one.name).filter((other) => other !== name);
        const now = router.workers().find((one) => one.worker === name)!;
        if (answer === 'gap') {
          expect(now.gap).toBe(true);
          seen.gap++;
        } else {
          expect([gap, epoch]).toEqual([false, toy.epoch]);
          expect(believed(router, name, others)).toEqual([...toy.held].toSorted((a, b) => a - b));
          expect(now.entries).toBe(toy.held.size);
          seen.right++;
        }
        // A snapshot ends any gap.
        expect(router.apply(toy.snapshot())).toBe('ok');
        expect(router.apply(toy.change([1]))).toBe('ok');
        expect(believed(router, name, others)).toEqual([...toy.held].toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 1500 },
  );
  expect(seen.right).toBeGreaterThan(100);
  expect(seen.gap).toBeGreaterThan(100);
});

it('messages in order, however often, give the index of each worker', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const ordered = steps.filter((step) => 'worker' in step);
      const { router, workers, sent } = run(ordered);
      for (const message of sent) {
        expect(router.apply(message)).toBe('ok');
        expect(router.apply(message)).toBe('ok');
      }
      for (const message of sent) router.apply(message);
      for (const { name, isAlive, held } of workers.filter((one) => one.isAlive)) {
        const others = workers.map((one) => one.name).filter((other) => other !== name);
        expect(isAlive).toBe(true);
        expect(believed(router, name, others)).toEqual([...held].toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 300 },
  );
});
