import { expect, it } from 'vitest';
import { capacityCurve, hitRate } from '../../src/studies/capacity-curve.ts';
import { generatedTrace } from '../../src/trace/generated-trace.ts';
import type { Trace } from '../../src/trace/trace.ts';

const trace = generatedTrace({
  conversations: 60,
  turns: 4,
  blocksPerTurn: 5,
  sharedBlocks: 3,
  rate: 0.5,
  pause: 60,
  seed: 2,
});

/** The same share by a list in the order of last use: no ledger, no tree. A block goes only after all that follow it. */
function plainRate({ requests, blockTokens }: Trace, tokens: number): number {
  const most = Math.floor(tokens / blockTokens);
  let kept: { block: number; used: number; depth: number }[] = [];
  let [found, asked, time] = [0, 0, 0];
  for (const { blocks, inputTokens } of requests) {
    const missing = blocks.findIndex((block) => kept.every((other) => other.block !== block));
    // The last block is never taken whole from a cache: its last token is computed.
    const hits = Math.min(missing < 0 ? blocks.length : missing, blocks.length - 1);
    time++;
    kept = kept.filter(({ block }) => !blocks.includes(block));
    // Room is made before the request's own blocks are let go.
    const order = kept.toSorted((a, b) => b.used - a.used || a.depth - b.depth);
    kept = order.slice(0, Math.max(0, most - blocks.length));
    blocks.forEach((block, depth) => kept.push({ block, used: time, depth }));
    found += hits * blockTokens;
    asked += inputTokens;
  }
  return found / asked;
}

it.for([3e4, 1e5, 3e5, Infinity])('a cache of %d tokens finds what a plain LRU finds', (tokens) => {
  const { hitRate: found } = hitRate(trace, tokens);
  expect(found).toBeGreaterThan(0);
  expect(found).toBeCloseTo(plainRate(trace, tokens), 2);
});

it('a larger cache finds no less', () => {
  const rates = capacityCurve(trace, [2e4, 5e4, 1e5, 1e6]).map((point) => point.hitRate);
  expect(rates).toEqual(rates.toSorted((a, b) => a - b));
  expect(rates.at(-1)).toBeGreaterThan(2 * rates[0]!);
});

it('with room for all, every block but the first of its kind is found', () => {
  const seen = new Set<number>();
  let [found, asked] = [0, 0];
  for (const { blocks, inputTokens } of trace.requests) {
    found += 512 * blocks.slice(0, -1).filter((block) => seen.has(block)).length;
    asked += inputTokens;
    for (const block of blocks) seen.add(block);
  }
  expect(hitRate(trace, Infinity).hitRate).toBe(found / asked);
});
