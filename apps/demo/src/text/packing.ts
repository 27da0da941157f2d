import { BOUNDARY } from './corpus.ts';
import { permutation, uniforms } from './seeded-random.ts';

/** A document, or a part of one, to train on: token i is to be followed by token i + 1. */
export interface Sample {
  /** [n + 1], with the boundary before the document's start and after its end. */
  readonly tokens: Uint8Array;
}

/** How many tokens it takes in a row: all but the last are seen, all but the first are told. */
export const lengthOf = ({ tokens }: Sample): number => tokens.length - 1;

/** A document as samples of at most `context` tokens; one that is longer is cut, and each token is told once. */
export function samplesOf(document: Uint8Array, context: number): Sample[] {
  const tokens = Uint8Array.of(BOUNDARY, ...document, BOUNDARY);
  const count = Math.ceil((tokens.length - 1) / context);
  return Array.from({ length: count }, (_, i) => ({
    tokens: tokens.subarray(i * context, (i + 1) * context + 1),
  }));
}

/** Samples that share a row. */
export type Row = readonly Sample[];

/** Packs samples into rows of `length` tokens: each goes to the first row that has room (first fit). */
export function packRows(samples: readonly Sample[], length: number): Row[] {
  const rows: { readonly samples: Sample[]; room: number }[] = [];
  for (const sample of samples) {
    let row = rows.find(({ room }) => room >= lengthOf(sample));
    if (!row) rows.push((row = { samples: [], room: length }));
    row.samples.push(sample);
    row.room -= lengthOf(sample);
  }
  return rows.map((row) => row.samples);
}

/** A row for each sample: what packing is compared with. */
export const padRows = (samples: readonly Sample[]): Row[] => samples.map((sample) => [sample]);

/** Rows of equal length, one behind the other; T = rows · length. */
export interface Batch {
  readonly rows: number;
  readonly length: number;
  /** [T]: the token that is seen. */
  readonly ids: Int32Array;
  /** [T]: the token that follows. */
  readonly targets: Int32Array;
  /** [T]: the document, counted through the batch; each row's padding is one of its own. */
  readonly documents: Int32Array;
  /** [T], from the start of the sample, as if it stood alone. */
  readonly positions: Int32Array;
  /** [T]: 1 where there is text, 0 in padding. */
  readonly isText: Float32Array;
  /** How many of T are text. */
  readonly tokens: number;
}

/** Lays rows out; what is left of a row is padding. */
export function batchOf(rows: readonly Row[], length: number): Batch {
  const total = rows.length * length;
  const batch: Batch = {
    rows: rows.length,
    length,
    ids: new Int32Array(total).fill(BOUNDARY),
    targets: new Int32Array(total).fill(BOUNDARY),
    documents: new Int32Array(total),
    positions: new Int32Array(total),
    isText: new Float32Array(total),
    tokens: rows.flat().reduce((sum, sample) => sum + lengthOf(sample), 0),
  };
  let document = 0;
  for (const [i, row] of rows.entries()) {
    let at = i * length;
    for (const sample of row) at = place(batch, sample, at, document++);
    batch.documents.fill(document++, at, (i + 1) * length);
  }
  return batch;
}

/** Puts a sample at a token of the batch; gives the token behind it. */
function place(batch: Batch, sample: Sample, at: number, document: number): number {
  const { tokens } = sample;
  const end = at + lengthOf(sample);
  batch.ids.set(tokens.subarray(0, -1), at);
  batch.targets.set(tokens.subarray(1), at);
  batch.documents.fill(document, at, end);
  batch.isText.fill(1, at, end);
  for (let p = 0; at + p < end; p++) batch.positions[at + p] = p;
  return end;
}

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
