/** What a mod sees beside its indices. */
interface Info {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}

export type Score = (s: number, b: number, h: number, q: number, kv: number, i: Info) => number;
export type Mask = (b: number, h: number, q: number, kv: number, i: Info) => boolean;

/** Attention as its definition says, in f64: rows are [row, head, D], whatever the layout. */
export interface Reference {
  readonly q: ArrayLike<number>;
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Which rows each batch entry or sequence has. */
  readonly sequences: readonly Rows[];
  readonly align?: 'start' | 'end';
  readonly score?: Score;
  readonly mask?: Mask;
  readonly sinks?: readonly number[];
}

export interface Rows {
  readonly q: readonly number[];
  readonly k: readonly number[];
  /** What info counts rows from; default 0, where rows are those of the whole tensor. */
  readonly qBase?: number;
  readonly kBase?: number;
}

/** out [row, head, D] and lse [row, head]; rows of no sequence are 0 and −∞. */
export function attend(r: Reference): { out: Float64Array; lse: Float64Array } {
  const { q, k, v, heads, kvHeads, headDim: D, sequences, align = 'end', sinks } = r;
  const rows = q.length / (heads * D);
  const out = new Float64Array(rows * heads * D);
  const lse = new Float64Array(rows * heads).fill(-Infinity);
  const dot = (at: number, to: number): number => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += q[at + d]! * k[to + d]!;
    return sum;
  };
  sequences.forEach((rowsOf, b) => {
    const [qLen, kvLen] = [rowsOf.q.length, rowsOf.k.length];
    const shift = align === 'end' ? kvLen - qLen : 0;
    rowsOf.q.forEach((row, i) => {
      for (let h = 0; h < heads; h++) {
        const at = (row * heads + h) * D;
        const keyOf = (kRow: number): number =>
          (kRow * kvHeads + Math.floor((h * kvHeads) / heads)) * D;
        const scores = rowsOf.k.map((kRow, kv) => {
          const info = {
            qLen,
            kvLen,
            qRow: row - (rowsOf.qBase ?? 0),
            kvRow: kRow - (rowsOf.kBase ?? 0),
          };
          const pair = [b, h, i + shift, kv, info] as const;
          const plain = dot(at, keyOf(kRow)) / Math.sqrt(D);
          const score = r.score?.(plain, ...pair) ?? plain;
          return (r.mask?.(...pair) ?? true) && score > -1e30 ? score : -Infinity;
        });
        const sink = sinks?.[h] ?? -Infinity;
        const most = Math.max(sink, ...scores);
        if (most === -Infinity) continue;
        const weights = scores.map((s) => Math.exp(s - most));
        const total = weights.reduce((a, w) => a + w, Math.exp(sink - most));
        lse[row * heads + h] = most + Math.log(total);
        rowsOf.k.forEach((kRow, kv) => {
          for (let d = 0; d < D; d++) out[at + d]! += (weights[kv]! / total) * v[keyOf(kRow) + d]!;
        });
      }
    });
  });
  return { out, lse };
}

export const range = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);
