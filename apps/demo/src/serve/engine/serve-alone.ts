import type { Gpu } from '@heed/core';
import { PagedKvCache, type PageFormat } from '@heed/kvcache';
import { Engine } from './serve-engine.ts';
import type { Answer, Request } from './answer.ts';
import type { Runner } from './model-runner.ts';

/** The format of the cache that serves a request. */
export interface Pages {
  readonly pageSize: number;
  readonly dtype: PageFormat;
}

/** Lets the caller observe or abort the request. */
export interface Following {
  readonly signal?: AbortSignal;
  /** Receives the number of tokens in all answers, before each step. */
  readonly onTokens?: (done: number) => void;
}

/**
 * Serves one request alone, in a new cache that is large enough, one token per step and without guesses. An answer in a batch must
 * have the same tokens. Rejects with the signal's reason on abort.
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

/** Returns the index of the first token in which an answer differs from the one served alone, if any does. */
export function firstDifference(answer: Answer, alone: readonly Answer[]): number | undefined {
  const same = alone.find(
    ({ request, branch }) => request === answer.request && branch === answer.branch,
  );
  const at = answer.tokens.findIndex((token, i) => token !== same?.tokens[i]);
  return at < 0 ? undefined : at;
}
