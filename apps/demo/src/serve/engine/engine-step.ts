import type { PagedKvCache } from '@heed/kvcache';
import { heedTensor } from '@heed/tfjs';
import { generatedOf, type Lane, type Running } from './answer.ts';
import type { Runner } from './model-runner.ts';
import type { PageBook } from './page-book.ts';
import { planStep } from './scheduling.ts';
import { promptLookup } from './speculation.ts';

export interface EngineOptions {
  readonly runner: Runner;
  readonly cache: PagedKvCache;
  /** Tokens in a page of the cache. */
  readonly pageSize: number;
  /** Updated after every step. */
  readonly book?: PageBook;
  /** Most answers in the batch, at most `runner.rows`. */
  readonly seats: number;
  /** Most tokens that a step guesses per answer; 0 disables guessing. */
  readonly drafts: number;
}

/** The result of a step for one running answer. */
export interface Stepped {
  readonly lane: Running;
  readonly news: readonly number[];
  /** The guessed tokens, which end `news`. */
  readonly guess: readonly number[];
  /** Returns the logits after the token of that index in `news`. */
  readonly scores: (index: number) => Float32Array;
  /** Its pages, including those of a guess. */
  readonly pages: readonly number[];
}

/**
 * Computes the next tokens of all running answers in one packed batch.
 * Rejects with a CapacityError if there are too few pages for all of them (nothing has changed then), and with a DeviceLostError.
 */
export async function computeStep(
  options: EngineOptions,
  lanes: readonly Running[],
): Promise<Stepped[]> {
  const pending = lanes.map(({ tokens, sequence }) => tokens.slice(sequence.length));
  const candidates = lanes.map((lane, i) => {
    return { pending: pending[i]!, draft: guessFor(lane, pending[i]!.length, options.drafts) };
  });
  const news = planStep(candidates, options.runner.rows);
  const scores = await forward(options, lanes, news);
  let row = 0;
  return lanes.map((lane, i) => {
    const first = row;
    row += news[i]!.length;
    return {
      lane,
      news: news[i]!,
      guess: news[i]!.slice(pending[i]!.length),
      scores: (index) => scores(first + index),
      pages: lane.sequence.pages,
    };
  });
}

async function forward(
  { runner, cache }: EngineOptions,
  lanes: readonly Running[],
  news: readonly (readonly number[])[],
): Promise<(row: number) => Float32Array> {
  const sequences = lanes.map(({ sequence }) => sequence);
  const logits = runner.forward(cache, sequences, news);
  try {
    const all = (await heedTensor(logits).read()) as Float32Array;
    const size = runner.config.vocabSize;
    return (row) => all.subarray(row * size, (row + 1) * size);
  } finally {
    logits.dispose();
  }
}

function guessFor(lane: Lane, pending: number, drafts: number): number[] {
  const generated = generatedOf(lane);
  if (generated === 0 || pending > 1) return [];
  // A step yields one token more than it accepts.
  return promptLookup(lane.tokens, Math.min(drafts, lane.request.count - generated - 1));
}
