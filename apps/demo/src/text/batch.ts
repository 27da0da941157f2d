import { BOUNDARY } from './bytes.ts';
import type { Row } from './pack.ts';
import { lengthOf, type Sample } from './sample.ts';

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
