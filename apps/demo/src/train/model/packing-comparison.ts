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

/** One way to lay out the samples. */
export interface Layout {
  readonly batches: readonly Batch[];
  /** Computed tokens, padding included. */
  readonly computed: number;
}

/** The cost of a layout. */
export interface Timing extends Layout {
  /** Time of the loss and all of its gradients, over all batches. */
  readonly seconds: number;
  /** Text tokens only. */
  readonly tokensPerSecond: number;
  /** Nats per token over all batches, equal for both layouts up to rounding. */
  readonly loss: number;
}

export interface Comparison {
  /** Tokens of text, the same in both. */
  readonly tokens: number;
  readonly packed: Timing;
  readonly padded: Timing;
}

/** Lays samples out packed and padded. Padded means one row per sample, as long as the longest sample of its batch. */
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
 * Times the gradients of the same samples packed and padded, alternating, and keeps the best of `rounds` for each. One untimed
 * batch of each compiles the kernels first.
 * @throws the signal's reason
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
    // The embedding's gradient is computed last: once it is read, all are done.
    await grads[0]!.data();
    dispose([value, ...grads]);
  }
  const seconds = (performance.now() - start) / 1000;
  return { ...way, seconds, tokensPerSecond: tokens / seconds, loss: nats / tokens };
}
