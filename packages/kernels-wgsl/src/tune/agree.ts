import type { FloatType } from '../config/forward.ts';

// Other tiles add in another order. Far above what that does to f32 sums, and to their rounding to halves; far under a wrong key.
const LIMIT: Readonly<Record<FloatType, number>> = { f32: 2 ** -13, f16: 2 ** -8 };

/** @returns how far a result is from the default's, if that is farther than tiles may differ */
export function disagreement(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  dtype: FloatType,
): string | undefined {
  let largest = 0;
  for (let i = 0; i < want.length; i++) largest = Math.max(largest, Math.abs(want[i]!));
  const limit = LIMIT[dtype] * Math.max(largest, 1e-3);
  for (let i = 0; i < want.length; i++) {
    // Not the other way round: NaN is no number that agrees.
    if (!(Math.abs(got[i]! - want[i]!) <= limit)) {
      return `element ${i} is ${got[i]}, the default gives ${want[i]}`;
    }
  }
  return undefined;
}
