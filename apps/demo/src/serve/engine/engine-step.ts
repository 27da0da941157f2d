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
  /** Told which page holds what after every step. */
  readonly book?: PageBook;
  /** Answers that run together, at most `runner.rows`. */
  readonly seats: number;
  /** Tokens that a speculative step guesses at most; 0 for none. */
  readonly drafts: number;
}

/** What a running answer had computed in a step. */
export interface Stepped {
  readonly lane: Running;
  readonly news: readonly number[];
  /** The end of `news`: what was guessed. */
  readonly guess: readonly number[];
  /** After each of `news`. */
  readonly scores: (index: number) => Float32Array;
  /** Its pages, those of a guess included. */
  readonly pages: readonly number[];
}

/**
 * Computes the next tokens of all running answers in one packed batch.
 * @throws CapacityError (these are rejections) too few pages for all of them; nothing has changed then
 * @throws DeviceLostError
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
  // A step gives one token more than it accepts.
  return promptLookup(lane.tokens, Math.min(drafts, lane.request.count - generated - 1));
}
