import type { Gpu } from '@heed/core';
import { type KvStats, memoryStore, PagedKvCache, type PageFormat } from '@heed/kvcache';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Answer, Request } from '../../src/serve/engine/answer.ts';
import type { EngineOptions } from '../../src/serve/engine/engine-step.ts';
import type { Runner } from '../../src/serve/engine/model-runner.ts';
import { countPages, PageBook } from '../../src/serve/engine/page-book.ts';
import { firstDifference, serveAlone } from '../../src/serve/engine/serve-alone.ts';
import { Engine } from '../../src/serve/engine/serve-engine.ts';
import { config, runnerOf, testTfjs } from './demo-fixtures.ts';

const pageSize = 4;
let gpu: Gpu;
let runner: Runner;
beforeAll(async () => {
  gpu = await testTfjs();
  runner = runnerOf(gpu);
});
afterAll(() => runner[Symbol.dispose]());

const { layers, kvHeads, headDim } = config;
const createCache = (pages: number, dtype: PageFormat): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, { layers, kvHeads, headDim, pageSize, pages, dtype, poison: true });

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];
const system = 'Pages are shared. Pages are copied. ';
const requests: Request[] = ['Pages are', 'A', 'Who owns the last page?', 'Pages'].map(
  (text, i) => ({
    id: 'ABCD'[i]!,
    prompt: bytes(system + text),
    count: 26 + 3 * i,
    branches: 1,
  }),
);

interface Served {
  readonly engine: Engine;
  readonly answers: readonly Answer[];
  readonly stats: KvStats;
}

/** Serves requests together; after every step, compares the page book's counts with the cache's. */
async function serve(
  cache: PagedKvCache,
  asked: readonly Request[],
  options: Partial<EngineOptions> = {},
  book = watch(cache),
): Promise<Served> {
  const engine = new Engine({ runner, cache, pageSize, book, seats: 4, drafts: 4, ...options });
  for (const request of asked) engine.submit(request);
  while (!engine.isIdle) {
    await engine.step();
    const { used, shared, cached, free } = countPages(book.pages());
    const stats = cache.stats();
    expect({ used: used + shared, cached, free }).toEqual({
      used: stats.used,
      cached: stats.cached,
      free: stats.free,
    });
  }
  return { engine, answers: engine.answers(), stats: cache.stats() };
}

function watch(cache: PagedKvCache): PageBook {
  const book = new PageBook(cache.stats().pages, pageSize);
  cache.on('stored', (event) => book.stored(event));
  cache.on('removed', (event) => book.removed(event));
  cache.on('cleared', () => book.cleared());
  return book;
}

const served = new Map<string, Promise<Answer[]>>();

/** Returns a request's answers when served alone; computed once for all tests. */
function alone(request: Request, dtype: PageFormat): Promise<Answer[]> {
  const key = JSON.stringify([request, dtype]);
  const known = served.get(key) ?? serveAlone(gpu, runner, request, { pageSize, dtype });
  served.set(key, known);
  return known;
}

/** Expects every answer to be complete and to have the tokens that it has when served alone. */
async function expectAlone(
  asked: readonly Request[],
  answers: readonly Answer[],
  dtype: PageFormat,
): Promise<void> {
  expect(answers).toHaveLength(asked.reduce((sum, { branches }) => sum + branches, 0));
  for (const request of asked) {
    const own = await alone(request, dtype);
    for (const answer of answers.filter((one) => one.request === request.id)) {
      expect(answer.tokens).toHaveLength(request.count);
      expect({ answer, at: firstDifference(answer, own) }).toEqual({ answer, at: undefined });
    }
  }
}

it('answers in a batch have the tokens that they have alone, and share what they can', async () => {
  using cache = await createCache(80, 'f16');
  const { engine, answers } = await serve(cache, requests);
  const { hits, accepted, drafted, preemptions } = engine.tally;
  // All requests but the first find the system prompt's nine pages; D also finds a page of A.
  expect(hits).toBe(3 * system.length + pageSize);
  expect(drafted).toBeGreaterThan(accepted);
  expect(accepted).toBeGreaterThan(0);
  expect(preemptions).toBe(0);
  await expectAlone(requests, answers, 'f16');
});

it.for(['int8', 'int4'] as const)(
  'so have answers from pages of %s',
  { tags: ['full'] },
  async (dtype) => {
    using cache = await createCache(80, dtype);
    const asked = requests.slice(0, 2);
    const { engine, answers } = await serve(cache, asked);
    expect(engine.tally.hits).toBe(system.length);
    await expectAlone(asked, answers, dtype);
  },
);

it('the model does not say the same whatever it reads', async () => {
  using cache = await createCache(80, 'f16');
  const { answers } = await serve(cache, requests);
  expect(new Set(answers.map(({ tokens }) => tokens.slice(0, 4).join())).size).toBe(4);
  expect(new Set(answers[0]!.tokens).size).toBeGreaterThan(3);
});

it('a pool that is too small for all: some give way, and say the same', async () => {
  using cache = await createCache(24, 'f16');
  const { engine, answers, stats } = await serve(cache, requests);
  expect(engine.tally.preemptions).toBeGreaterThan(0);
  expect(stats.evictions).toBeGreaterThan(0);
  await expectAlone(requests, answers, 'f16');
});

it(
  'branches share the prompt, and a page is copied when they part',
  { tags: ['full'] },
  async () => {
    using cache = await createCache(80, 'int8');
    const asked = requests.slice(0, 2).map((request) => ({ ...request, branches: 3, count: 12 }));
    const { engine, answers, stats } = await serve(cache, asked, { seats: 6 });
    expect(engine.tally.forks).toBe(4);
    expect(stats.copies).toBeGreaterThan(0);
    expect(new Set(answers.slice(0, 3).map(({ tokens }) => tokens[0])).size).toBe(3);
    await expectAlone(asked, answers, 'int8');
  },
);

it('guessing changes the number of steps, and nothing else', { tags: ['full'] }, async () => {
  using guessing = await createCache(80, 'f16');
  using plain = await createCache(80, 'f16');
  const [a, b] = [await serve(guessing, requests), await serve(plain, requests, { drafts: 0 })];
  expect(b.engine.tally).toMatchObject({ drafted: 0, accepted: 0 });
  expect(a.engine.tally.steps).toBeLessThan(b.engine.tally.steps);
  const byId = (answers: readonly Answer[]) =>
    Object.fromEntries(answers.map((x) => [x.request, x]));
  expect(byId(a.answers)).toEqual(byId(b.answers));
});

it('an answer ends at its end token', async () => {
  using cache = await createCache(80, 'f16');
  const [request] = requests;
  const book = watch(cache);
  const [whole] = (await serve(cache, [request!], {}, book)).answers;
  const end = whole!.tokens[7]!;
  const [cut] = (await serve(cache, [{ ...request!, end }], {}, book)).answers;
  expect(cut!.isDone).toBe(true);
  expect(cut!.tokens).toEqual(whole!.tokens.slice(0, whole!.tokens.indexOf(end) + 1));
});

/** Returns the contents of a book's pages, without page numbers. */
const contents = (book: PageBook): unknown[] =>
  book
    .pages()
    .filter(({ state }) => state === 'cached')
    .map(({ name, position, tokens }) => [name!, position, tokens] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));

it(
  'what was saved is found again by another cache, and its pages are known',
  { tags: ['full'] },
  async () => {
    const store = memoryStore();
    using first = await createCache(80, 'int8');
    const known = watch(first);
    const before = await serve(first, requests, {}, known);
    const saved = await first.save(store, { namespace: 'test' });
    expect(saved.saved).toBe(before.stats.cached);

    using second = await createCache(80, 'int8');
    const book = watch(second);
    await second.load(store, { namespace: 'test' });
    // The page numbers may differ, the contents may not.
    expect(contents(book)).toEqual(contents(known));
    // The book itself looks nothing up.
    expect(second.stats()).toMatchObject({ lookups: 0, lookupTokens: 0, hitRate: 0 });
    const after = await serve(second, requests, {}, book);
    const { hits, lookedUp } = after.engine.tally;
    expect(after.stats).toMatchObject({ lookups: 4, lookupTokens: lookedUp, hitTokens: hits });
    // All full pages of each prompt without its last token.
    const findable = requests.map(
      ({ prompt }) => Math.floor((prompt.length - 1) / pageSize) * pageSize,
    );
    expect(after.engine.tally.hits).toBe(findable.reduce((a, b) => a + b));
    const sorted = ({ answers }: Served) =>
      answers.toSorted((a, b) => (a.request < b.request ? -1 : 1));
    expect(sorted(after)).toEqual(sorted(before));
  },
);

it('one answer that needs more pages than there are is refused', async () => {
  using cache = await createCache(10, 'f16');
  await expect(serve(cache, requests.slice(0, 1))).rejects.toThrow(/pages/);
});

it('requests can be dropped in the middle, and their pages stay findable', async () => {
  using cache = await createCache(80, 'f16');
  const book = watch(cache);
  const engine = new Engine({ runner, cache, pageSize, book, seats: 4, drafts: 0 });
  for (const request of requests) engine.submit(request);
  for (let i = 0; i < 6; i++) await engine.step();
  engine.stop();
  expect(cache.stats()).toMatchObject({ used: 0, sequences: 0 });
  expect(countPages(book.pages())).toMatchObject({ used: 0, cached: cache.stats().cached });
  expect(engine.isIdle).toBe(true);
});
