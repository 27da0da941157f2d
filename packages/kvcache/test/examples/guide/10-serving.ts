import { CapacityError } from '@heed/core';
import { type KvSequence, PagedKvCache } from '@heed/kvcache';
import { gpu, read, shape } from './setup.ts';

interface Request {
  /** The prompt, and the answer as it grows. */
  readonly tokens: number[];
  readonly end: number;
}

/** Continuous batching: requests join and leave between steps, and give way to others when memory is short. */
async function serve(
  cache: PagedKvCache,
  requests: readonly Request[],
): Promise<{ computed: number; refused: Request[] }> {
  // A request that does not fit even alone would wait for ever: it is refused at once.
  const refused = requests.filter(({ end }) => !cache.canEverFit(end));
  const waiting = requests.filter((request) => !refused.includes(request));
  const running: { request: Request; sequence: KvSequence }[] = [];
  let [seats, computed] = [8, 0];
  while (waiting.length + running.length > 0) {
    while (waiting.length > 0 && running.length < seats) {
      const request = waiting.shift()!;
      // Takes over the cached prefix.
      running.push({ request, sequence: cache.open({ tokens: request.tokens }) });
    }
    const seqs = running.map(({ sequence }) => sequence);
    const news = running.map(({ request, sequence }) => request.tokens.slice(sequence.length));
    try {
      const sums = await read(cache, seqs, news);
      running.forEach(({ request, sequence }, i) => {
        sequence.commit(news[i]!);
        request.tokens.push(sums[i]!.at(-1)! % 10);
        computed += news[i]!.length;
      });
    } catch (error) {
      if (!(error instanceof CapacityError) || running.length === 1) throw error;
      const { request, sequence } = running.pop()!; // nothing has changed: preempt the youngest;
      sequence.close(); // its committed pages stay findable until they are reused
      waiting.unshift(request);
      seats = running.length;
    }
    for (const one of running.filter(({ request }) => request.tokens.length >= request.end)) {
      one.sequence.close();
      running.splice(running.indexOf(one), 1);
      seats = 8;
    }
  }
  return { computed, refused };
}

// Twelve requests with one system prompt, and memory for about four of them.
const system = Array.from({ length: 16 }, (_, i) => i % 10);
const requests = Array.from({ length: 12 }, (_, i): Request => {
  return { tokens: [...system, i, i + 1], end: 26 + (i % 5) };
});
const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 4, pages: 16 });
const tooLong: Request = { tokens: [...system], end: 1000 };
const { computed, refused } = await serve(cache, [...requests, tooLong]);
console.log(refused.length); // 1

// The toy's rule also works without a cache.
const right = requests.filter(({ tokens }, i) => {
  const alone = [...system, i, i + 1];
  while (alone.length < 26 + (i % 5)) alone.push(alone.reduce((a, b) => a + b) % 10);
  return alone.join() === tokens.join();
});
console.log(right.length); // 12
const { hitTokens, evictions, used } = cache.stats();
console.log(computed, hitTokens, evictions, used); // 191 392 27 0
cache.dispose();
