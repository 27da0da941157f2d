import { BOUNDARY } from './corpus.ts';
import { permutation, uniforms } from './seeded-random.ts';

/** A document or a part of one to train on: token i + 1 is the target of token i. */
export interface Sample {
  /** [n + 1]; a boundary token stands before the document's start and after its end. */
  readonly tokens: Uint8Array;
}

/** Returns the sample's length in a row: all tokens but the last are inputs, all but the first are targets. */
export const lengthOf = ({ tokens }: Sample): number => tokens.length - 1;

/** Cuts a document into samples of at most `context` tokens. Each token is a target exactly once. */
export function samplesOf(document: Uint8Array, context: number): Sample[] {
  const tokens = Uint8Array.of(BOUNDARY, ...document, BOUNDARY);
  const count = Math.ceil((tokens.length - 1) / context);
  return Array.from({ length: count }, (_, i) => ({
    tokens: tokens.subarray(i * context, (i + 1) * context + 1),
  }));
}

/** Samples that share a row. */
export type Row = readonly Sample[];

/** Packs samples into rows of `length` tokens: each goes into the first row with enough space (first fit). */
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

/** Puts each sample into its own row, the layout that packing is compared with. */
export const padRows = (samples: readonly Sample[]): Row[] => samples.map((sample) => [sample]);

/** Rows of equal length, concatenated; T = rows · length. */
export interface Batch {
  readonly rows: number;
  readonly length: number;
  /** [T]: input tokens. */
  readonly ids: Int32Array;
  /** [T]: the token after each input token. */
  readonly targets: Int32Array;
  /** [T]: document numbers, counted through the batch. Each row's padding has its own number. */
  readonly documents: Int32Array;
  /** [T]: positions from the start of the sample. */
  readonly positions: Int32Array;
  /** [T]: 1 where there is text, 0 in padding. */
  readonly isText: Float32Array;
  /** The number of text tokens among the T. */
  readonly tokens: number;
}

/** Lays rows out as a batch; the unused end of a row is padding. */
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

/** Writes a sample at token `at` of the batch; returns the index of the token after it. */
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

/** The number of rows in a training step, and their length in tokens. */
export interface BatchSize {
  readonly rows: number;
  readonly length: number;
}

/** Yields packed batches without end: each round packs all samples again, in another order. */
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

/** Packs all samples once, in batches of at most `size.rows` rows. */
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

/** Packs all samples in a random order. */
export function randomRows(
  samples: readonly Sample[],
  length: number,
  uniform: () => number,
): Row[] {
  const shuffled = <T>(list: readonly T[]): T[] =>
    permutation(list.length, uniform).map((i) => list[i]!);
  // The rows are shuffled too, since first fit leaves the unfilled ones at the end.
  return shuffled(packRows(shuffled(samples), length));
}
