// A router's program; compiled, never run.
import { prefixNames } from '@heed/kvcache/names';
import {
  createRouter,
  custom,
  leastTtft,
  loadOrCompute,
  parseMessage,
  type Pick,
  type Policy,
  type Router,
  type WorkerLoad,
} from '@heed/router';

const mine: Policy = {
  name: 'mine',
  choose: (candidates, request) => {
    const roomy = candidates.filter(
      ({ freePages }) => freePages > request.length / request.pageSize,
    );
    return leastTtft.choose(roomy.length > 0 ? roomy : candidates, request);
  },
};

export function open(load: WorkerLoad): Router {
  const router = createRouter({ pageSize: 16, policy: mine, speculativeMs: 2000 });
  router.load('a', load, { url: 'http://a', bits: 'lavapipe 25' });
  return router;
}

/** Routes a prompt, and again, if the first worker fails, to one with the same bits. */
export async function serve(
  router: Router,
  tokens: number[],
  send: (pick: Pick) => Promise<string>,
): Promise<string | undefined> {
  const names = prefixNames(tokens, { pageSize: 16 });
  const first = router.route(names, { length: tokens.length });
  if (!first) return undefined;
  try {
    return await send(first);
  } catch {
    first.failed();
    const { worker, bits } = first;
    const same = bits === undefined ? {} : { bits };
    const second = router.route(names, { length: tokens.length, exclude: [worker], ...same });
    return second && send(second);
  }
}

export const tell = (router: Router, text: string): 'ok' | 'gap' =>
  router.apply(parseMessage(JSON.parse(text)));
export const byPages = createRouter({ pageSize: 16, policy: custom(({ pages }) => pages) });
export const { load: isLoaded } = loadOrCompute({
  tokens: 1024,
  bytesPerToken: 32_768,
  bytesPerSecond: 1e9,
  tokensPerSecond: 500,
});
