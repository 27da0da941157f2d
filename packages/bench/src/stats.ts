/** What a set of samples looks like. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** First and third quartile. */
  readonly q1: number;
  readonly q3: number;
}

/** Quantile `p` in [0, 1] with linear interpolation between order statistics. Throws RangeError on no samples. */
export function quantile(samples: ArrayLike<number>, p: number): number {
  if (samples.length === 0)
    throw new RangeError('quantile: needs at least one sample; got none. Run at least one round.');
  const sorted = Float64Array.from(samples).toSorted();
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** Median, quartiles and extremes of the samples. */
export function summarize(samples: ArrayLike<number>): Summary {
  const at = (p: number): number => quantile(samples, p);
  return { median: at(0.5), min: at(0), max: at(1), q1: at(0.25), q3: at(0.75) };
}

/**
 * Ratios of two interleaved series, round by round, so that a slow moment of the machine that touches both
 * sides of a round cancels out.
 */
export function pairedRatios(
  numerator: ArrayLike<number>,
  denominator: ArrayLike<number>,
): Float64Array {
  if (numerator.length !== denominator.length) {
    throw new RangeError(
      `pairedRatios: series must have one sample per round; got ${numerator.length} and ${denominator.length}.`,
    );
  }
  return Float64Array.from(numerator, (n, round) => n / (denominator[round] as number));
}
