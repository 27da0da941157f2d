import { permutation, random, toStorage } from '@heed/conformance/reference';
import type { Workload } from './workloads.ts';

/** The name of a workload's query lengths or key lengths. */
export type LengthName = 'seqlenQ' | 'seqlenK';

/** Returns the query or key lengths, one per sequence. */
export function lengthsOf(
  { sequences }: Pick<Workload, 'sequences'>,
  lengthName: LengthName,
): number[] {
  return sequences.map((sequence) => sequence[lengthName]);
}

/** Returns the longest query or key length. */
export function maxLength(workload: Pick<Workload, 'sequences'>, lengthName: LengthName): number {
  return Math.max(...lengthsOf(workload, lengthName));
}

/** Returns the number of query or key tokens of all sequences. */
export function totalTokens(workload: Pick<Workload, 'sequences'>, lengthName: LengthName): number {
  return lengthsOf(workload, lengthName).reduce((sum, length) => sum + length, 0);
}

/** Returns cumulative lengths [N + 1], from 0. */
export function cuSeqlens(lengths: readonly number[]): Int32Array {
  const cumulative = new Int32Array(lengths.length + 1);
  for (const [i, length] of lengths.entries())
    cumulative[i + 1] = (cumulative[i] as number) + length;
  return cumulative;
}

/** A workload with its inputs: token-major values that the storage type represents exactly. */
export interface Problem {
  readonly workload: Workload;
  /** [Tq, headsQ, headDim] */
  readonly q: Float32Array;
  /** [Tk, headsKv, headDim] */
  readonly k: Float32Array;
  /** [Tk, headsKv, headDim] */
  readonly v: Float32Array;
  /** [headsQ]; undefined without sinks. */
  readonly sinks?: Float32Array;
}

/** Makes the problem of a workload: normal values from a fixed seed, rounded to the storage type. */
export function problemOf(workload: Workload): Problem {
  const { headsQ, headsKv, headDim, dtype } = workload;
  const source = random(17);
  const values = (tokens: number, heads: number): Float32Array =>
    Float32Array.from({ length: tokens * heads * headDim }, () =>
      toStorage(source.normal(), dtype),
    );
  const [tokensQ, tokensK] = [totalTokens(workload, 'seqlenQ'), totalTokens(workload, 'seqlenK')];
  return {
    workload,
    q: values(tokensQ, headsQ),
    k: values(tokensK, headsKv),
    v: values(tokensK, headsKv),
    ...(workload.sinks && {
      sinks: Float32Array.from({ length: headsQ }, () => toStorage(source.normal(), dtype)),
    }),
  };
}

/** Rows in pages. */
export interface Pages {
  /** [pages, pageSize, row]; unused rows are zeros. */
  readonly pool: Float32Array;
  readonly pages: number;
  /** [N, maxPages] logical → physical page; −1 after a sequence's last page. */
  readonly table: Int32Array;
  readonly maxPages: number;
}

/**
 * Puts the key rows of a paged workload, token-major [T, row], into pages in a fixed shuffled order. With `pastOnly`, it leaves the
 * rows of the query tokens empty, for a program that appends them itself.
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

/** A workload set up in one program: its inputs are on the GPU. */
export interface Prepared {
  /** A short description of the timed call. */
  readonly how: string;
  /** Computes attention once; resolves when the whole output is on the host. */
  readonly run: () => Promise<void>;
  /** The output of the latest run, token-major [T, headsQ, headDim]. */
  readonly result: () => Float32Array;
  readonly dispose: () => Promise<void>;
}

/** The reason why a program skips a row. */
export interface Unsupported {
  readonly unsupported: string;
}

/** A program that computes attention on WebGPU. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Opens the program; resolves to a reason if it cannot run here. */
  available(): Promise<string | undefined>;
  /** The program's device, if known: its errors are checked, since a failed call looks fast. */
  device?(): GPUDevice;
  prepare(problem: Problem): Promise<Prepared | Unsupported>;
  close(): Promise<void>;
}
