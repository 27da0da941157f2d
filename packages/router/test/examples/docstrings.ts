import type { prefixNames as namesOf } from '@heed/kvcache/names';
import {
  boundedHash,
  createRouter,
  custom,
  leastLoaded,
  leastTtft,
  loadOrCompute,
  parseMessage,
} from '@heed/router';

/** The `@example`s of the package. */
export function docstrings(prefixNames: typeof namesOf): unknown[] {
  const prompt = Array.from({ length: 40 }, (_, i) => i);
  const policies: unknown[] = [];
  {
    const router = createRouter({ pageSize: 16, policy: leastTtft });
    const balancer = createRouter({ pageSize: 16, policy: leastLoaded });
    const hashing = createRouter({ pageSize: 16, policy: boundedHash });
    const roomiest = custom((one) => one.freePages - one.estimateMs);
    policies.push(router, balancer, hashing, createRouter({ pageSize: 16, policy: roomiest }));
  }
  const router = createRouter({ pageSize: 16 });
  router.load('a', {
    queuedTokens: 0,
    runningSequences: 0,
    tokensPerSecond: 2000,
    freePages: 900,
    pages: 1000,
  });
  const pick = router.route(prefixNames(prompt, { pageSize: 16 }), { length: prompt.length });
  pick?.firstToken(); // as soon as the worker sends one
  pick?.done();
  const text =
    '{"version":1,"worker":"a","epoch":1,"seq":0,"pageSize":16,"namespace":"","operations":[]}';
  const message = parseMessage(JSON.parse(text));
  const rates = { bytesPerToken: 32_768, bytesPerSecond: 500e6, tokensPerSecond: 1000 };
  const { load } = loadOrCompute({ ...rates, tokens: 2048 }); // 134 ms against 2,048
  return [load, message.worker === pick?.worker, policies.length];
}
