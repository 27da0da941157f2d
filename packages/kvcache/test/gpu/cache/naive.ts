import type { Span, Toy } from './toy.ts';

/** Causal attention of some spans on the host, [T, Hq, Dv]: in float64, or rounded to f32 after each operation. */
export function naive(
  toy: Toy,
  layer: number,
  spans: readonly Span[],
  round: (x: number) => number,
): number[] {
  return spans.flatMap((span) => {
    const whole = [{ ...span, start: 0 }];
    const rows = {
      q: toy.numbers('q', layer, [span]),
      k: toy.numbers('k', layer, whole),
      v: toy.numbers('v', layer, whole),
    };
    return Array.from({ length: span.end - span.start }).flatMap((_row, i) => {
      return Array.from({ length: toy.shape.qHeads }, (_, h) =>
        naiveRow(toy, rows, { row: i, head: h, keys: span.start + i + 1 }, round),
      ).flat();
    });
  });
}

function naiveRow(
  { shape }: Toy,
  { q, k, v }: Record<'q' | 'k' | 'v', Float32Array>,
  { row, head, keys }: { row: number; head: number; keys: number },
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
  const scores = Array.from({ length: keys }, (_, j) => {
    const at = (j * kvHeads + kvHead) * headDim;
    return round(scale * sum(headDim, (d) => q[(row * qHeads + head) * headDim + d]! * k[at + d]!));
  });
  const max = Math.max(...scores);
  const weights = scores.map((s) => round(Math.exp(round(s - max))));
  const total = sum(keys, (j) => weights[j]!);
  return Array.from({ length: headDimV }, (_, d) =>
    round(sum(keys, (j) => weights[j]! * v[(j * kvHeads + kvHead) * headDimV + d]!) / total),
  );
}
