import { type Batch, batchOf } from '../../text/batch.ts';
import { packRows, type Row } from '../../text/pack.ts';
import type { Sample } from '../../text/sample.ts';
import { permutation, uniforms } from '../../random.ts';

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
    while (rows.length < size.rows) rows.push(...randomRows(samples, size.length, uniform));
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

/** All samples packed in a random order. */
export function randomRows(
  samples: readonly Sample[],
  length: number,
  uniform: () => number,
): Row[] {
  const shuffled = <T>(list: readonly T[]): T[] =>
    permutation(list.length, uniform).map((i) => list[i]!);
  // Rows too: first fit leaves room in the last ones only.
  return shuffled(packRows(shuffled(samples), length));
}
