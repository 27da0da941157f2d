import { extent } from './nd-array.ts';
import type { ReferenceProblem } from './reference-problem.ts';

/**
 * One sequence of a problem in any layout: its lengths and the offsets of its rows. `q`, `k`, `v` and `out` return the flat offset
 * of the first element of a row.
 */
export interface Sequence {
  readonly index: number;
  readonly qLen: number;
  readonly kvLen: number;
  readonly q: (h: number, i: number) => number;
  readonly k: (hkv: number, j: number) => number;
  readonly v: (hkv: number, j: number) => number;
  readonly out: (h: number, i: number) => number;
  readonly lse: (h: number, i: number) => number;
  readonly qRow: (i: number) => number;
  readonly kvRow: (j: number) => number;
}

/** Head counts and head dims of a problem. */
export interface Heads {
  readonly query: number;
  readonly kv: number;
  readonly qk: number;
  readonly v: number;
}

/** Returns the head counts and head dims of a problem. */
export function headsOf(problem: ReferenceProblem): Heads {
  const { q, k, v } = problem;
  const dense = q.shape.length === 4;
  return {
    query: extent(q, 1),
    kv: extent(k, dense ? 1 : k.shape.length - 2),
    qk: extent(q, q.shape.length - 1),
    v: extent(v, v.shape.length - 1),
  };
}

/** Splits a problem into its sequences. Query rows outside every sequence belong to none of them. */
export function sequencesOf(problem: ReferenceProblem): Sequence[] {
  if (problem.q.shape.length === 4) return denseSequences(problem);
  return problem.blockTable === undefined ? packedSequences(problem) : pagedSequences(problem);
}

function denseSequences(problem: ReferenceProblem): Sequence[] {
  const { q, k, v, seqUsedK } = problem;
  const heads = headsOf(problem);
  const [batch, lq, lk, lv] = [extent(q, 0), extent(q, 2), extent(k, 2), extent(v, 2)];
  const kvBatch = extent(k, 0);
  return Array.from({ length: batch }, (_, b) => {
    const kb = kvBatch === 1 ? 0 : b;
    return {
      index: b,
      qLen: lq,
      kvLen: seqUsedK?.[b] ?? lk,
      q: (h, i) => ((b * heads.query + h) * lq + i) * heads.qk,
      k: (h, j) => ((kb * heads.kv + h) * lk + j) * heads.qk,
      v: (h, j) => ((kb * heads.kv + h) * lv + j) * heads.v,
      out: (h, i) => ((b * heads.query + h) * lq + i) * heads.v,
      lse: (h, i) => (b * heads.query + h) * lq + i,
      qRow: (i) => i,
      kvRow: (j) => j,
    };
  });
}

/** The query side of a sequence, which packed and paged problems share. */
function querySide(
  problem: ReferenceProblem,
  b: number,
): Omit<Sequence, 'kvLen' | 'k' | 'v' | 'kvRow'> {
  const heads = headsOf(problem);
  const tq = extent(problem.q, 0);
  const start = at(problem.cuSeqlensQ, b);
  return {
    index: b,
    qLen: at(problem.cuSeqlensQ, b + 1) - start,
    q: (h, i) => ((start + i) * heads.query + h) * heads.qk,
    out: (h, i) => ((start + i) * heads.query + h) * heads.v,
    lse: (h, i) => h * tq + start + i,
    qRow: (i) => start + i,
  };
}

function packedSequences(problem: ReferenceProblem): Sequence[] {
  const heads = headsOf(problem);
  const cuSeqlensK = problem.cuSeqlensK ?? problem.cuSeqlensQ;
  return Array.from({ length: sequenceCount(problem) }, (_, b) => {
    const start = at(cuSeqlensK, b);
    return {
      ...querySide(problem, b),
      kvLen: problem.seqUsedK?.[b] ?? at(cuSeqlensK, b + 1) - start,
      k: (h, j) => ((start + j) * heads.kv + h) * heads.qk,
      v: (h, j) => ((start + j) * heads.kv + h) * heads.v,
      kvRow: (j) => start + j,
    };
  });
}

function pagedSequences(problem: ReferenceProblem): Sequence[] {
  const heads = headsOf(problem);
  const pageSize = extent(problem.k, 1);
  const count = sequenceCount(problem);
  const maxPages = (problem.blockTable?.length ?? 0) / count;
  return Array.from({ length: count }, (_, b) => {
    const row = (j: number): number => {
      const page = at(problem.blockTable, b * maxPages + Math.floor(j / pageSize));
      return page * pageSize + (j % pageSize);
    };
    return {
      ...querySide(problem, b),
      kvLen: at(problem.seqUsedK, b),
      k: (h, j) => (row(j) * heads.kv + h) * heads.qk,
      v: (h, j) => (row(j) * heads.kv + h) * heads.v,
      kvRow: row,
    };
  });
}

/** Returns the number of sequences of a packed or paged problem. */
function sequenceCount(problem: ReferenceProblem): number {
  return (problem.cuSeqlensQ?.length ?? 1) - 1;
}

function at(values: Int32Array | undefined, index: number): number {
  const value = values?.[index];
  if (value === undefined) throw new RangeError(`reference: no length or page id at ${index}`);
  return value;
}
