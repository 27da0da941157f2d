import { modelRows } from './model-rows.ts';
import { prefillRows } from './prefill-rows.ts';
import { servingRows } from './serving-rows.ts';

/** Lengths of one sequence, in tokens. */
export interface SequenceLength {
  readonly seqlenQ: number;
  readonly seqlenK: number;
}

/** One attention problem to time, as data. Causal diagonals are tied to the end: the last query sees every key. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly dtype: 'f32' | 'f16';
  /**
   * `dense`: every sequence has the same lengths. `packed`: sequences of unequal length, one after another. `paged`: the same, their
   * keys and values in pages that lie in any order.
   */
  readonly layout: 'dense' | 'packed' | 'paged';
  readonly causal: boolean;
  readonly headsQ: number;
  readonly headsKv: number;
  readonly headDim: number;
  readonly sequences: readonly SequenceLength[];
  /** Of a causal row: a query sees itself and so many keys before it. */
  readonly window?: number;
  /** One more logit for each query head in the denominator of its softmax. */
  readonly sinks?: boolean;
  /** Keys of a page. */
  readonly pageSize?: number;
  /** Runs when neither --all nor a name is given. */
  readonly headline?: boolean;
}

/**
 * What lengths are scaled by: an adapter that computes on the CPU takes a thousand times as long, and a browser's own one some times
 * as long again.
 */
export type AdapterClass = 'page-cpu' | 'cpu' | 'gpu';

/** The rows of the benchmark for an adapter, in the order they run; their ids are the same for every adapter. */
export function workloadsFor(adapter: AdapterClass): Workload[] {
  return [...prefillRows(adapter), ...servingRows(adapter), ...modelRows(adapter)];
}

/** Rows at the lengths that suit an adapter. */
export function sized(rows: readonly Workload[], adapter: AdapterClass): Workload[] {
  const known = new Map(workloadsFor(adapter).map((row) => [row.id, row]));
  return rows.map((row) => known.get(row.id) ?? row);
}

/** The rows as a CPU adapter runs them. */
export const workloads: readonly Workload[] = workloadsFor('cpu');
