import type { Rng } from '@heed/testing';

/** Trainable numbers with their gradient and Adam's moments. */
export interface Parameter {
  readonly value: Float64Array;
  readonly gradient: Float64Array;
  readonly mean: Float64Array;
  readonly square: Float64Array;
}

export function parameter(rng: Rng, size: number, deviation: number): Parameter {
  return {
    value: Float64Array.from({ length: size }, () => rng.normal() * deviation),
    gradient: new Float64Array(size),
    mean: new Float64Array(size),
    square: new Float64Array(size),
  };
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.98, 1e-8];

/** One step of Adam (https://arxiv.org/abs/1412.6980, algorithm 1); clears the gradients. `step` counts from 1. */
export function adam(parameters: readonly Parameter[], step: number, rate: number): void {
  const size = (rate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step);
  for (const { value, gradient, mean, square } of parameters) {
    for (let i = 0; i < value.length; i++) {
      const g = gradient[i]!;
      mean[i] = BETA1 * mean[i]! + (1 - BETA1) * g;
      square[i] = BETA2 * square[i]! + (1 - BETA2) * g * g;
      value[i]! -= (size * mean[i]!) / (Math.sqrt(square[i]!) + EPSILON);
    }
    gradient.fill(0);
  }
}

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
