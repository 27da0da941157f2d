import { filled, type NdArray, sameKind } from '../reference/nd-array.ts';
import type { AttentionState, Problem } from '../reference/problem.ts';
import { headsOf, type Heads, type Sequence, sequencesOf } from '../reference/sequences.ts';
import { cumulative } from './build.ts';

/** The named sequences of a problem as a packed problem of exactly their rows: what "compact K/V" means. */
export function gather(problem: Problem, order?: readonly number[]): Problem {
  const heads = headsOf(problem);
  const sequences = pick(problem, order);
  return {
    q: packRows(problem.q, sequences, heads.query, heads.qk, (s) => [s.qLen, s.q]),
    k: packRows(problem.k, sequences, heads.kv, heads.qk, (s) => [s.kvLen, s.k]),
    v: packRows(problem.v, sequences, heads.kv, heads.v, (s) => [s.kvLen, s.v]),
    cuSeqlensQ: cumulative(sequences.map((s) => s.qLen)),
    cuSeqlensK: cumulative(sequences.map((s) => s.kvLen)),
    options: gatherOptions(problem, sequences),
  };
}

/** The rows of a result that belong to the named sequences, packed in their order. */
export function gatherState(
  problem: Problem,
  state: AttentionState,
  order?: readonly number[],
): AttentionState {
  const { query, v } = headsOf(problem);
  const sequences = pick(problem, order);
  const out = packRows(state.out, sequences, query, v, (s) => [s.qLen, s.out]);
  const tokens = out.shape[0] ?? 0;
  const lse = filled([query, tokens], 0);
  let row = 0;
  for (const s of sequences) {
    for (let i = 0; i < s.qLen; i++, row++) {
      for (let h = 0; h < query; h++)
        lse.data[h * tokens + row] = state.lse.data[s.lse(h, i)] as number;
    }
  }
  return { out, lse };
}

/** The problem with every key, value and query row that no sequence uses overwritten by `value`. */
export function poisonUnused(problem: Problem, value: number): Problem {
  const heads = headsOf(problem);
  const sequences = sequencesOf(problem);
  const q = keepRows(problem.q, value, sequences, heads.query, heads.qk, (s) => [s.qLen, s.q]);
  const k = keepRows(problem.k, value, sequences, heads.kv, heads.qk, (s) => [s.kvLen, s.k]);
  const v = keepRows(problem.v, value, sequences, heads.kv, heads.v, (s) => [s.kvLen, s.v]);
  return { ...problem, q, k, v };
}

type RowsOf = (sequence: Sequence) => [length: number, offset: (h: number, row: number) => number];

function pick(problem: Problem, order: readonly number[] | undefined): Sequence[] {
  const all = sequencesOf(problem);
  if (order === undefined) return all;
  return order.map((b) => {
    const sequence = all[b];
    if (sequence === undefined)
      throw new RangeError(`gather: no sequence ${b} among ${all.length}`);
    return sequence;
  });
}

function packRows(
  from: NdArray,
  sequences: readonly Sequence[],
  heads: number,
  width: number,
  rowsOf: RowsOf,
): NdArray {
  const tokens = sequences.reduce((sum, s) => sum + rowsOf(s)[0], 0);
  const data = sameKind(from, tokens * heads * width);
  let to = 0;
  for (const sequence of sequences) {
    const [length, offset] = rowsOf(sequence);
    for (let row = 0; row < length; row++) {
      for (let h = 0; h < heads; h++, to += width) {
        const start = offset(h, row);
        data.set(from.data.subarray(start, start + width), to);
      }
    }
  }
  return { shape: [tokens, heads, width], data };
}

function keepRows(
  from: NdArray,
  value: number,
  sequences: readonly Sequence[],
  heads: number,
  width: number,
  rowsOf: RowsOf,
): NdArray {
  const data = sameKind(from, from.data.length).fill(value);
  for (const sequence of sequences) {
    const [length, offset] = rowsOf(sequence);
    for (let row = 0; row < length; row++) {
      for (let h = 0; h < heads; h++) {
        const start = offset(h, row);
        data.set(from.data.subarray(start, start + width), start);
      }
    }
  }
  return { shape: from.shape, data };
}

function gatherOptions(problem: Problem, sequences: readonly Sequence[]): Problem['options'] {
  const slopes = problem.options.alibiSlopes;
  if (slopes?.shape.length !== 2) return problem.options;
  const { query } = headsOf(problem) satisfies Heads;
  const data = new Float32Array(sequences.length * query);
  sequences.forEach((s, n) =>
    data.set(slopes.data.subarray(s.index * query, (s.index + 1) * query), n * query),
  );
  return { ...problem.options, alibiSlopes: { shape: [sequences.length, query], data } };
}
