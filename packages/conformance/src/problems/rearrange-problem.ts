import { filled, generate, type NdArray, sameKind, unravel } from '../reference/nd-array.ts';
import type { AttentionState, ReferenceProblem } from '../reference/reference-problem.ts';
import { type Heads, headsOf, type Sequence, sequencesOf } from '../reference/sequences.ts';
import { cumulative } from './build-problem.ts';

/** Returns the given sequences of a problem as a packed problem with compact k and v: exactly the rows in use. */
export function gather(problem: ReferenceProblem, order?: readonly number[]): ReferenceProblem {
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

/** Returns the rows of a result that belong to the given sequences, packed in their order. */
export function gatherState(
  problem: ReferenceProblem,
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

/** Overwrites every query, key and value row that no sequence uses with `value`. */
export function poisonUnused(problem: ReferenceProblem, value: number): ReferenceProblem {
  const heads = headsOf(problem);
  const sequences = sequencesOf(problem);
  const q = keepRows(problem.q, value, sequences, heads.query, heads.qk, (s) => [s.qLen, s.q]);
  const k = keepRows(problem.k, value, sequences, heads.kv, heads.qk, (s) => [s.kvLen, s.k]);
  const v = keepRows(problem.v, value, sequences, heads.kv, heads.v, (s) => [s.kvLen, s.v]);
  return { ...problem, q, k, v };
}

type RowsOf = (sequence: Sequence) => [length: number, offset: (h: number, row: number) => number];

function pick(problem: ReferenceProblem, order: readonly number[] | undefined): Sequence[] {
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

function gatherOptions(
  problem: ReferenceProblem,
  sequences: readonly Sequence[],
): ReferenceProblem['options'] {
  const { alibiSlopes: slopes, selectedKeys } = problem.options;
  if (selectedKeys) {
    const { selectedKeys: _, ...options } = problem.options;
    const plain = gatherOptions({ ...problem, options }, sequences);
    return { ...plain, selectedKeys: gatherLists(selectedKeys, sequences) };
  }
  if (slopes?.shape.length !== 2) return problem.options;
  const { query } = headsOf(problem) satisfies Heads;
  const data = new Float32Array(sequences.length * query);
  sequences.forEach((s, n) =>
    data.set(slopes.data.subarray(s.index * query, (s.index + 1) * query), n * query),
  );
  return { ...problem.options, alibiSlopes: { shape: [sequences.length, query], data } };
}

function gatherLists(lists: NdArray, sequences: readonly Sequence[]): NdArray {
  const [heads = 0, rows = 0] = lists.shape.slice(1);
  const [entries = 0] = lists.shape.slice(-1);
  const offset = ({ index, qRow }: Sequence, h: number, i: number): number => {
    if (lists.shape.length === 3) return (qRow(i) * heads + h) * entries;
    const batch = lists.shape[0] === 1 ? 0 : index;
    return ((batch * heads + h) * rows + i) * entries;
  };
  return packRows(lists, sequences, heads, entries, (s) => [s.qLen, (h, i) => offset(s, h, i)]);
}

/** Moves all sequences of a problem back by `rows`, into its spare rows. Only lengths on the GPU may start above 0. */
export function movedOn(
  problem: ReferenceProblem,
  rows: readonly [q: number, k: number],
): ReferenceProblem {
  const moved = (list: Int32Array | undefined, by: number): Int32Array | undefined =>
    list && list.map((n) => n + by);
  const [cuSeqlensQ, cuSeqlensK] = [problem.cuSeqlensQ, problem.cuSeqlensK].map((list, i) =>
    moved(list, rows[i]!),
  );
  return { ...problem, ...(cuSeqlensQ && { cuSeqlensQ }), ...(cuSeqlensK && { cuSeqlensK }) };
}

/** A packed self-attention problem as a padded batch, and the conversion of its results. */
interface Padded {
  readonly problem: ReferenceProblem;
  readonly unpad: (state: AttentionState) => AttentionState;
}

/**
 * Converts a packed problem (equal query and key lengths) to dense [B, H, Lmax, D] with `seqUsedK`. Padding of queries is 0, of keys
 * and values NaN. `align: 'start'` keeps the diagonal.
 */
export function pad(packed: ReferenceProblem): Padded {
  const sequences = sequencesOf(packed);
  const heads = headsOf(packed);
  const longest = Math.max(...sequences.map((s) => Math.max(s.qLen, s.kvLen)));
  const spread = (
    from: NdArray,
    h: number,
    width: number,
    rows: (s: Sequence) => [number, (h: number, row: number) => number],
    fill: number,
  ): NdArray => {
    const shape = [sequences.length, h, longest, width];
    return generate(shape, (flat) => {
      const [b, head, row, d] = unravel(flat, shape) as [number, number, number, number];
      const [length, offset] = rows(sequences[b] as Sequence);
      return row < length ? (from.data[offset(head, row) + d] as number) : fill;
    });
  };
  const problem: ReferenceProblem = {
    q: spread(packed.q, heads.query, heads.qk, (s) => [s.qLen, s.q], 0),
    k: spread(packed.k, heads.kv, heads.qk, (s) => [s.kvLen, s.k], NaN),
    v: spread(packed.v, heads.kv, heads.v, (s) => [s.kvLen, s.v], NaN),
    seqUsedK: Int32Array.from(sequences, (s) => s.kvLen),
    options: { ...packed.options, align: 'start' },
  };
  return { problem, unpad: (state) => unpad(state, packed, longest) };
}

function unpad(state: AttentionState, packed: ReferenceProblem, longest: number): AttentionState {
  const heads = headsOf(packed);
  const tokens = packed.q.shape[0] ?? 0;
  const out = {
    shape: [tokens, heads.query, heads.v],
    data: new Float64Array(tokens * heads.query * heads.v),
  };
  const lse = { shape: [heads.query, tokens], data: new Float64Array(heads.query * tokens) };
  for (const s of sequencesOf(packed)) {
    for (let h = 0; h < heads.query; h++) {
      for (let i = 0; i < s.qLen; i++) {
        const row = (s.index * heads.query + h) * longest + i;
        out.data.set(state.out.data.subarray(row * heads.v, (row + 1) * heads.v), s.out(h, i));
        lse.data[s.lse(h, i)] = state.lse.data[row] as number;
      }
    }
  }
  return { out, lse };
}
