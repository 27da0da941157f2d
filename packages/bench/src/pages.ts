import { permutation, random } from '@heed/conformance';
import { lengthsOf } from './lengths.ts';
import type { Workload } from './workloads.ts';

/** Rows in pages. */
export interface Pages {
  /** [pages, pageSize, row], zeros where no row lies. */
  readonly pool: Float32Array;
  readonly pages: number;
  /** [N, maxPages] logical → physical page; −1 behind a sequence's last. */
  readonly table: Int32Array;
  readonly maxPages: number;
}

/**
 * Puts the key rows of a paged workload, token-major [T, row], into pages in a fixed shuffled order. With `pastOnly`, the rows
 * of the queries' own tokens are left out, for a program that appends them itself; their pages are there.
 */
export function inPages(
  workload: Workload,
  rows: Float32Array,
  row: number,
  { pastOnly = false }: { readonly pastOnly?: boolean } = {},
): Pages {
  const { pageSize = 1, sequences } = workload;
  const pagesOf = lengthsOf(workload, 'seqlenK').map((length) => Math.ceil(length / pageSize));
  const pages = pagesOf.reduce((sum, count) => sum + count, 0);
  const maxPages = Math.max(...pagesOf);
  const order = permutation(pages, random(11));
  const pool = new Float32Array(pages * pageSize * row);
  const table = new Int32Array(sequences.length * maxPages).fill(-1);
  let [taken, start] = [0, 0];
  for (const [n, { seqlenQ, seqlenK }] of sequences.entries()) {
    const count = pagesOf[n]!;
    table.set(order.subarray(taken, taken + count), n * maxPages);
    const kept = pastOnly ? seqlenK - seqlenQ : seqlenK;
    for (let j = 0; j < kept; j++) {
      const page = table[n * maxPages + Math.floor(j / pageSize)]!;
      const from = (start + j) * row;
      pool.set(rows.subarray(from, from + row), (page * pageSize + (j % pageSize)) * row);
    }
    taken += count;
    start += seqlenK;
  }
  return { pool, pages, table, maxPages };
}
