import type { Gpu } from '@heed/core';
import { PagedKvCache, type PageFormat } from '@heed/kvcache';
import { Engine } from './serve-engine.ts';
import type { Answer, Request } from './answer.ts';
import type { Runner } from './model-runner.ts';

/** The pages that a request is served from. */
export interface Pages {
  readonly pageSize: number;
  readonly dtype: PageFormat;
}

/** How the caller follows it. */
export interface Following {
  readonly signal?: AbortSignal;
  /** Told after each step how many tokens all answers have. */
  readonly onTokens?: (done: number) => void;
}

/**
 * Serves one request with nobody beside it: a cache of its own, empty and large enough, and one token after the other with no
 * guesses. What an answer in the batch must say too. Rejects with the signal's reason when that is aborted.
 */
export async function serveAlone(
  gpu: Gpu,
  runner: Runner,
  request: Request,
  { pageSize, dtype }: Pages,
  { signal, onTokens }: Following = {},
): Promise<Answer[]> {
  const { layers, kvHeads, headDim } = runner.config;
  const perBranch = Math.ceil((request.prompt.length + request.count) / pageSize) + 1;
  const pages = perBranch * request.branches;
  using cache = await PagedKvCache.create(gpu, {
    layers,
    kvHeads,
    headDim,
    pages,
    pageSize,
    dtype,
  });
  const engine = new Engine({ runner, cache, pageSize, seats: request.branches, drafts: 0 });
  engine.submit(request);
  while (!engine.isIdle) {
    signal?.throwIfAborted();
    onTokens?.(engine.answers().reduce((sum, { tokens }) => sum + tokens.length, 0));
    await engine.step();
  }
  return engine.answers();
}

/** Where an answer and the same answer alone part: the index of the first token that differs; undefined where none does. */
export function firstDifference(answer: Answer, alone: readonly Answer[]): number | undefined {
  const same = alone.find(
    ({ request, branch }) => request === answer.request && branch === answer.branch,
  );
  const at = answer.tokens.findIndex((token, i) => token !== same?.tokens[i]);
  return at < 0 ? undefined : at;
}
