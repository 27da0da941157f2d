import { lengthOf, type Sample } from './sample.ts';

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
