import type { Parameter } from './parameters.ts';

/** y[r] = Σ x[r, i] · w[i, ·], over rows of `inner` numbers. */
export function linear(x: Float64Array, w: Float64Array, inner: number): Float64Array {
  const outer = w.length / inner;
  const rows = x.length / inner;
  const y = new Float64Array(rows * outer);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < inner; i++) {
      const a = x[r * inner + i]!;
      for (let o = 0; o < outer; o++) y[r * outer + o]! += a * w[i * outer + o]!;
    }
  }
  return y;
}

/** The gradient by x; that by w is added to the parameter's. */
export function linearBackward(
  dy: Float64Array,
  x: Float64Array,
  { value, gradient }: Parameter,
  inner: number,
): Float64Array {
  const outer = value.length / inner;
  const dx = new Float64Array(x.length);
  for (let r = 0; r < x.length / inner; r++) {
    for (let i = 0; i < inner; i++) {
      const a = x[r * inner + i]!;
      let sum = 0;
      for (let o = 0; o < outer; o++) {
        const d = dy[r * outer + o]!;
        sum += d * value[i * outer + o]!;
        gradient[i * outer + o]! += a * d;
      }
      dx[r * inner + i] = sum;
    }
  }
  return dx;
}

/** Adds b to a, in place. */
export function addTo(a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
}

/** Mean −log softmax[answer], its gradient by the logits, and how often the answer is the largest. */
export function crossEntropy(
  logits: Float64Array,
  answers: Int32Array,
): { loss: number; right: number; dLogits: Float64Array } {
  const width = logits.length / answers.length;
  const dLogits = new Float64Array(logits.length);
  let [loss, right] = [0, 0];
  answers.forEach((answer, r) => {
    const row = logits.subarray(r * width, (r + 1) * width);
    const most = Math.max(...row);
    const weights = row.map((x) => Math.exp(x - most));
    const sum = weights.reduce((a, x) => a + x, 0);
    loss -= Math.log(weights[answer]! / sum) / answers.length;
    if (row[answer] === most) right++;
    weights.forEach((x, i) => {
      dLogits[r * width + i] = (x / sum - (i === answer ? 1 : 0)) / answers.length;
    });
  });
  return { loss, right, dLogits };
}
