import { generate, type NdArray, unravel } from '../reference/nd-array.ts';
import type { AttentionState, Problem } from '../reference/problem.ts';
import { headsOf, type Sequence, sequencesOf } from '../reference/sequences.ts';

/** A packed self-attention problem laid out as a padded batch, and the way back. */
export interface Padded {
  readonly problem: Problem;
  readonly unpad: (state: AttentionState) => AttentionState;
}

/**
 * Lays a packed problem (equal query and key lengths) out as dense [B, H, Lmax, D] with `seqUsedK`.
 * Query padding is 0; key and value padding is NaN. `align: 'start'` keeps the diagonal where it was.
 */
export function pad(packed: Problem): Padded {
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
  const problem: Problem = {
    q: spread(packed.q, heads.query, heads.qk, (s) => [s.qLen, s.q], 0),
    k: spread(packed.k, heads.kv, heads.qk, (s) => [s.kvLen, s.k], NaN),
    v: spread(packed.v, heads.kv, heads.v, (s) => [s.kvLen, s.v], NaN),
    seqUsedK: Int32Array.from(sequences, (s) => s.kvLen),
    options: { ...packed.options, align: 'start' },
  };
  return { problem, unpad: (state) => unpad(state, packed, longest) };
}

function unpad(state: AttentionState, packed: Problem, longest: number): AttentionState {
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
