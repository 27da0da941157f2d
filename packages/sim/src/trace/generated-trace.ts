import { Rng } from '@heed/testing/rng';
import type { Trace, TraceRequest } from './trace.ts';

interface GeneratedOptions {
  readonly conversations: number;
  /** Turns of a conversation, each with all before it as its prompt. */
  readonly turns: number;
  /** Blocks that a turn adds. */
  readonly blocksPerTurn: number;
  /** Blocks that all conversations begin with. */
  readonly sharedBlocks: number;
  /** Conversations that begin in a second. */
  readonly rate: number;
  /** Seconds between the turns of a conversation. */
  readonly pause: number;
  readonly seed: number;
}

const BLOCK = 512;

/**
 * Returns conversations that begin at random times and take turns: what published traces show, in a size for tests. Equal options give
 * equal traces.
 */
export function generatedTrace(options: GeneratedOptions): Trace {
  const { conversations, turns, blocksPerTurn, sharedBlocks, rate, pause, seed } = options;
  const rng = new Rng(seed);
  let next = sharedBlocks;
  let begins = 0;
  const requests: TraceRequest[] = [];
  for (let i = 0; i < conversations; i++) {
    begins -= Math.log(1 - rng.next()) / rate;
    const blocks = Array.from({ length: sharedBlocks }, (_, block) => block);
    let at = begins;
    for (let turn = 0; turn < turns; turn++) {
      for (let n = 0; n < blocksPerTurn; n++) blocks.push(next++);
      // The last block is part filled.
      const inputTokens = blocks.length * BLOCK - Math.floor(rng.next() * (BLOCK - 1));
      requests.push({
        at,
        blocks: [...blocks],
        inputTokens,
        outputTokens: 1 + Math.floor(rng.next() * 400),
      });
      at += pause * (0.5 + rng.next());
    }
  }
  requests.sort((a, b) => a.at - b.at);
  return { name: 'generated', blockTokens: BLOCK, requests };
}
