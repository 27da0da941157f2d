type Floats = Float32Array | Float64Array;

/** The number system a run computes in. */
export interface Arithmetic {
  readonly round: (x: number) => number;
  readonly scratch: (length: number) => Floats;
  /** Σ a[ia + d] · b[ib + d] for d < n, summed in order. */
  readonly dot: (a: Floats, ia: number, b: Floats, ib: number, n: number) => number;
  /** sum[at + d] += weight · x[ix + d] for d < n; `at` is 0 by default. */
  readonly addScaled: (
    sum: Floats,
    weight: number,
    x: Floats,
    ix: number,
    n: number,
    at?: number,
  ) => void;
}

/** Float64 throughout: the reference. */
export const float64: Arithmetic = {
  round: (x) => x,
  scratch: (length) => new Float64Array(length),
  dot(a, ia, b, ib, n) {
    let sum = 0;
    for (let d = 0; d < n; d++) sum += (a[ia + d] as number) * (b[ib + d] as number);
    return sum;
  },
  addScaled(sum, weight, x, ix, n, at = 0) {
    for (let d = 0; d < n; d++) sum[at + d]! += weight * (x[ix + d] as number);
  },
};

/** Every operation rounded to float32, none fused: what a plain f32 program computes. */
export const float32: Arithmetic = {
  round: Math.fround,
  scratch: (length) => new Float32Array(length),
  dot(a, ia, b, ib, n) {
    let sum = 0;
    for (let d = 0; d < n; d++) {
      sum = Math.fround(sum + Math.fround((a[ia + d] as number) * (b[ib + d] as number)));
    }
    return sum;
  },
  addScaled(sum, weight, x, ix, n, at = 0) {
    for (let d = 0; d < n; d++) {
      sum[at + d] = Math.fround(sum[at + d]! + Math.fround(weight * (x[ix + d] as number)));
    }
  },
};
