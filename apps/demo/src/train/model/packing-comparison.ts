import { dispose, tidy } from '@tensorflow/tfjs-core';
import {
  allBatches,
  type Batch,
  batchOf,
  type BatchSize,
  inBatches,
  lengthOf,
  padRows,
  type Row,
  type Sample,
} from '../../text/packing.ts';
import type { Trainer } from './trainer.ts';

/** One way to lay the same samples out. */
export interface Layout {
  readonly batches: readonly Batch[];
  /** Tokens that are computed, padding among them. */
  readonly computed: number;
}

/** What a way costs. */
export interface Timing extends Layout {
  /** The loss and all of its gradients, of all batches. */
  readonly seconds: number;
  /** Text alone. */
  readonly tokensPerSecond: number;
  /** Nats per token over all batches, the same for both ways but for rounding. */
  readonly loss: number;
}

export interface Comparison {
  /** Tokens of text, the same in both. */
  readonly tokens: number;
  readonly packed: Timing;
  readonly padded: Timing;
}

/** The same samples packed, and padded: a row each, as long as the longest of its batch, in batches of as many rows. */
export function layouts(
  samples: readonly Sample[],
  size: BatchSize,
): Record<'packed' | 'padded', Layout> {
  const padded = inBatches(padRows(samples), size.rows).map((rows) => batchOf(rows, longest(rows)));
  return { packed: layout(allBatches(samples, size)), padded: layout(padded) };
}

const longest = (rows: readonly Row[]): number => Math.max(...rows.flat().map(lengthOf));

const layout = (batches: readonly Batch[]): Layout => ({
  batches,
  computed: batches.reduce((sum, { rows, length }) => sum + rows * length, 0),
});

/**
 * Times the gradients of the same samples packed and padded, in turn, the better of `rounds` each, after a batch of each that
 * does not count: it compiles.
 * @throws the signal's reason, between two batches
 */
export async function compare(
  trainer: Trainer,
  samples: readonly Sample[],
  size: BatchSize,
  { rounds, signal }: { rounds: number; signal: AbortSignal },
): Promise<Comparison> {
  const { packed, padded } = layouts(samples, size);
  const tokens = samples.reduce((sum, sample) => sum + lengthOf(sample), 0);
  const best: [Timing?, Timing?] = [];
  for (const way of [packed, padded]) {
    await time(trainer, { ...way, batches: way.batches.slice(0, 1) }, tokens, signal);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, way] of [packed, padded].entries()) {
      const timing = await time(trainer, way, tokens, signal);
      if (timing.seconds < (best[i]?.seconds ?? Infinity)) best[i] = timing;
    }
  }
  return { tokens, packed: best[0]!, padded: best[1]! };
}

async function time(
  trainer: Trainer,
  way: Layout,
  tokens: number,
  signal: AbortSignal,
): Promise<Timing> {
  let nats = 0;
  const start = performance.now();
  for (const batch of way.batches) {
    signal.throwIfAborted();
    const { value, grads } = tidy(() => trainer.gradients(batch));
    nats += (await value.data())[0]! * batch.tokens;
    // The last gradient that is computed is the embedding's: once it is there, all are.
    await grads[0]!.data();
    dispose([value, ...grads]);
  }
  const seconds = (performance.now() - start) / 1000;
  return { ...way, seconds, tokensPerSecond: tokens / seconds, loss: nats / tokens };
}
