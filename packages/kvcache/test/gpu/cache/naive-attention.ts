import type { Span, Toy } from './toy.ts';

/** Whether a query at position q sees the key at position kv. */
export type Sees = (q: number, kv: number) => boolean;

const causal: Sees = (q, kv) => kv <= q;

/** Attention of some spans on the host, [T, Hq, Dv]: in float64, or rounded to f32 after each operation. */
function naive(
  toy: Toy,
  layer: number,
  spans: readonly Span[],
  round: (x: number) => number,
  sees: Sees = causal,
): number[] {
  return spans.flatMap((span) => {
    const whole = [{ ...span, start: 0 }];
    const rows = {
      q: toy.numbers('q', layer, [span]),
      k: toy.numbers('k', layer, whole),
      v: toy.numbers('v', layer, whole),
    };
    return Array.from({ length: span.end - span.start }).flatMap((_row, row) => {
      const q = span.start + row;
      const keys = Array.from({ length: span.end }, (_, kv) => kv).filter((kv) => sees(q, kv));
      return Array.from({ length: toy.shape.qHeads }, (_, head) =>
        naiveRow(toy, rows, { row, head, keys }, round),
      ).flat();
    });
  });
}

/** Attention of one row, whose keys are at these positions. */
function naiveRow(
  { shape }: Toy,
  { q, k, v }: Record<'q' | 'k' | 'v', Float32Array>,
  { row, head, keys }: { row: number; head: number; keys: readonly number[] },
  round: (x: number) => number,
): number[] {
  const { qHeads, kvHeads, headDim, headDimV } = shape;
  const kvHead = Math.floor(head / (qHeads / kvHeads));
  const sum = (count: number, term: (i: number) => number): number => {
    let total = 0;
    for (let i = 0; i < count; i++) total = round(total + round(term(i)));
    return total;
  };
  const scale = round(1 / Math.sqrt(headDim));
  const scores = keys.map((key) => {
    const at = (key * kvHeads + kvHead) * headDim;
    return round(scale * sum(headDim, (d) => q[(row * qHeads + head) * headDim + d]! * k[at + d]!));
  });
  const max = Math.max(...scores);
  const weights = scores.map((s) => round(Math.exp(round(s - max))));
  const total = sum(keys.length, (j) => weights[j]!);
  const value = (j: number, d: number): number => v[(keys[j]! * kvHeads + kvHead) * headDimV + d]!;
  return Array.from({ length: headDimV }, (_, d) =>
    round(sum(keys.length, (j) => weights[j]! * value(j, d)) / total),
  );
}

/**
 * Returns the largest error of rows, and the error that plain f32 arithmetic may have had: twice that of one order of sums, and four
 * units in the last place of the largest value, by which a weight that is rounded otherwise moves a result.
 */
export function errorsOf(
  toy: Toy,
  layer: number,
  span: Span,
  got: ArrayLike<number>,
  sees?: Sees,
): { error: number; budget: number } {
  const exact = naive(toy, layer, [span], (x) => x, sees);
  const error = (rows: ArrayLike<number>): number =>
    exact.reduce((most, x, i) => Math.max(most, Math.abs(rows[i]! - x)), 0);
  const plain = error(naive(toy, layer, [span], Math.fround, sees));
  const values = toy.numbers('v', layer, [{ ...span, start: 0 }]);
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  return { error: error(got), budget: 2 * plain + 4 * 2 ** -24 * largest };
}
