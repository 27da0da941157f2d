import { heedTensor } from '@heed/tfjs';
import { promptLookup } from './draft.ts';
import type { EngineOptions } from './engine-options.ts';
import { generatedOf, type Lane, type Running } from './lane.ts';
import { planStep } from './plan-step.ts';
import { readTables } from './read-tables.ts';

/** What a running answer had computed in a step. */
export interface Stepped {
  readonly lane: Running;
  readonly news: readonly number[];
  /** The end of `news`: what was guessed. */
  readonly guess: readonly number[];
  /** After each of `news`. */
  readonly scores: (index: number) => Float32Array;
  /** Its pages, as attention read them; none without a book. */
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
  const [scores, pages] = await forward(options, lanes, news);
  let row = 0;
  return lanes.map((lane, i) => {
    const first = row;
    row += news[i]!.length;
    return {
      lane,
      news: news[i]!,
      guess: news[i]!.slice(pending[i]!.length),
      scores: (index) => scores(first + index),
      pages: pages[i]!,
    };
  });
}

async function forward(
  { runner, cache, book, pageSize }: EngineOptions,
  lanes: readonly Running[],
  news: readonly (readonly number[])[],
): Promise<[scores: (row: number) => Float32Array, pages: number[][]]> {
  const sequences = lanes.map(({ sequence }) => sequence);
  const { logits, blockTable } = runner.forward(cache, sequences, news);
  try {
    const [all, pages] = await Promise.all([
      heedTensor(logits).read(),
      book ? readTables(blockTable, sequences, pageSize) : sequences.map(() => []),
    ]);
    const size = runner.config.vocabSize;
    return [(row) => (all as Float32Array).subarray(row * size, (row + 1) * size), pages];
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
