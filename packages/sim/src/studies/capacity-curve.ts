import { WorkerCache } from '../cell/worker-cache.ts';
import type { Trace } from '../trace/trace.ts';

/** The share of a trace's prompt tokens that one cache finds. */
export interface CapacityPoint {
  /** Tokens that the cache holds; Infinity for all. */
  readonly tokens: number;
  /** Tokens found / tokens asked for. */
  readonly hitRate: number;
}

/** Serves a trace's requests one after the other from one cache of `tokens` tokens. */
export function hitRate(trace: Trace, tokens: number): CapacityPoint {
  const most = trace.requests.reduce((sum, { blocks }) => sum + blocks.length, 0);
  const cache = new WorkerCache(Math.min(most, Math.floor(tokens / trace.blockTokens)));
  let [found, asked] = [0, 0];
  for (const { blocks, inputTokens } of trace.requests) {
    const request = cache.open(blocks);
    cache.grow(request, blocks.length - request.hits);
    cache.name(request, blocks.slice(request.hits));
    cache.close(request);
    found += request.hits * trace.blockTokens;
    asked += inputTokens;
  }
  return { tokens, hitRate: found / asked };
}

/** Returns the hit rate of each capacity, given in tokens. */
export const capacityCurve = (trace: Trace, capacities: readonly number[]): CapacityPoint[] =>
  capacities.map((tokens) => hitRate(trace, tokens));
