import { type Batch, batchOf } from '../../text/batch.ts';
import { packRows, type Row } from '../../text/pack.ts';
import type { Sample } from '../../text/sample.ts';
import { permutation, uniforms } from '../../transformer/random.ts';

/** How many rows a step takes, and how long they are. */
export interface BatchSize {
  readonly rows: number;
  readonly length: number;
}

/** Packed batches without end: each round packs all samples anew, in another order. */
export function* trainingBatches(
  samples: readonly Sample[],
  size: BatchSize,
  seed: number,
): Generator<Batch, never> {
  const uniform = uniforms(seed);
  let rows: Row[] = [];
  for (;;) {
    while (rows.length < size.rows) {
      const order = permutation(samples.length, uniform).map((i) => samples[i]!);
      const packed = packRows(order, size.length);
      // First fit fills the first rows best; what a round packs last would else be mostly padding, again and again.
      rows.push(...permutation(packed.length, uniform).map((i) => packed[i]!));
    }
    yield batchOf(rows.slice(0, size.rows), size.length);
    rows = rows.slice(size.rows);
  }
}

/** All samples once, packed, in batches of at most so many rows. */
export function allBatches(samples: readonly Sample[], size: BatchSize): Batch[] {
  return inBatches(packRows(samples, size.length), size.rows).map((rows) =>
    batchOf(rows, size.length),
  );
}

export function inBatches<T>(rows: readonly T[], count: number): T[][] {
  return Array.from({ length: Math.ceil(rows.length / count) }, (_, i) =>
    rows.slice(i * count, (i + 1) * count),
  );
}
